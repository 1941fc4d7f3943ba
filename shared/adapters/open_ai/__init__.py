"""Talk to language models by the official OpenAI SDK: one module per API flavour, and what they share."""
