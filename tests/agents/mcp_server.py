"""An MCP server with tools that do what tests need: `python -m tests.agents.mcp_server` speaks over a pipe.

The same tools can be served over HTTP from within a test (`tests/agents/mcp_http.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError


def make_server() -> MCPServer:
    server = MCPServer("notes")

    @server.tool()
    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    @server.tool()
    def ls(path: str) -> str:
        """A name that a built-in tool has."""
        return f"listing of {path}"

    @server.tool()
    def variable(name: str) -> str:
        """A variable of the environment."""
        return os.environ.get(name, "not set")

    @server.tool()
    def folder() -> str:
        """Where the server runs."""
        return str(Path.cwd())

    @server.tool()
    def append(file: str, line: str) -> str:
        """A side effect: a line in a file."""
        with Path(file).open("a") as out:
            out.write(f"{line}\n")
        return "appended"

    @server.tool()
    def hang(file: str) -> str:
        """A side effect that takes for ever."""
        new = Path(f"{file}.new")
        new.write_text(str(os.getpid()))
        new.rename(file)
        threading.Event().wait()
        return "never"

    @server.tool()
    def large(size: int) -> str:
        """A long text."""
        return "x" * size

    @server.tool()
    def fail() -> str:
        """Fails."""
        raise ToolError("no luck today")

    @server.tool()
    def die() -> str:
        """Ends the server in the middle of the call."""
        sys.stderr.write("I am dying\n")
        sys.stderr.flush()
        os._exit(3)

    @server.tool()
    def process() -> str:
        """Its process, and one that it starts and that leaves its session."""
        child = subprocess.Popen(
            ["sleep", "600"], start_new_session=True, env={}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        return f"{os.getpid()} {child.pid}"

    @server.tool()
    async def grow(context: Context) -> str:
        """From now on there is one tool more."""

        def grown() -> str:
            """A tool that was not there at first."""
            return "here I am"

        server.add_tool(grown)
        await context.session.send_tool_list_changed()
        return "grown"

    return server


if __name__ == "__main__":
    sys.stderr.write("ready to serve\n")
    make_server().run("stdio")
