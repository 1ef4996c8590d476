"""`mcp serve` and `acp`: programs that speak by standard input and output. Each loads its own protocol only."""

from __future__ import annotations

import asyncio
import contextlib
import sys

from stigmer_tui.core.paths import working_folder
from stigmer_tui.doors.open_project import open_project


def serve_mcp(organization: str) -> int:
    """By MCP, until standard input ends."""

    async def run() -> None:
        from stigmer_tui.doors.mcp_server import serve_tools

        async with open_project(working_folder(), organization) as project:
            # The bytes are the protocol's, and nothing else is printed.
            with contextlib.redirect_stdout(sys.__stdout__):
                await serve_tools(project)

    asyncio.run(run())
    return 0


def serve_acp(agent: str, organization: str) -> int:
    """By the Agent Client Protocol, until standard input ends."""
    from stigmer_tui.doors.acp_agent import serve_agent

    with contextlib.redirect_stdout(sys.__stdout__):
        asyncio.run(serve_agent(agent, organization))
    return 0
