"""The stock of a small tea shop, as an MCP server: each function is a tool, and its docstring what the model reads."""

from mcp.server.mcpserver import MCPServer

GRAMS = {"Assam": 250, "Gunpowder": 100, "Lapsang Souchong": 50}

server = MCPServer("stock")


@server.tool()
def teas() -> list[str]:
    """The teas of the shop."""
    return sorted(GRAMS)


@server.tool()
def grams(tea: str) -> int:
    """How much of a tea is there."""
    return GRAMS.get(tea, 0)


server.run()
