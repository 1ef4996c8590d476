"""An agent with tools of its own, which an MCP server brings: the program stock.py."""

import sys

from stigmer_tui.sdk import Agent, McpServer

# It is started for each run, on this machine. `McpServer.http` is a server at an address, `McpServer.docker` an image.
stock = McpServer.stdio("stock", sys.executable, "stock.py", working_dir=".")

# Where no model is configured its script is played, so all this works offline. The tools are real.
Agent(
    "clerk",
    description="Knows what is in stock",
    instructions="You answer the customers of a small tea shop. Say what is in stock, by the tools, and nothing else.",
    mcp_servers=[stock],
    script="scripts/clerk.yaml",
)
