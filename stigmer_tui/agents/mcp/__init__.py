"""MCP servers of an agent: their processes and connections, and their tools for the framework."""
