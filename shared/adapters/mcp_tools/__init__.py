"""Talk to MCP tool servers: the client and its transport."""
