"""The business tools of the local stack: MCP servers on obviously fictional sample data."""
