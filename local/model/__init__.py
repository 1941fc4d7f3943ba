"""The model of the local stack: a scripted coach behind the wire formats of OpenAI."""
