"""MCP servers over HTTP, within the process of a test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import uvicorn

from tests.agents.mcp_server import make_server


@dataclass
class ServedHttp:
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Method, query and headers of each."""


@asynccontextmanager
async def served(kind: Literal["streamable", "sse"]) -> AsyncIterator[ServedHttp]:
    """One that speaks streamable HTTP, or only SSE."""
    server, seen = make_server(), ServedHttp()
    app = server.streamable_http_app() if kind == "streamable" else server.sse_app()

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            seen.requests.append(
                {"method": scope["method"], "query": scope["query_string"].decode(), "headers": headers}
            )
        await app(scope, receive, send)

    listening = socket.create_server(("127.0.0.1", 0))
    seen.url = f"http://127.0.0.1:{listening.getsockname()[1]}/{'mcp' if kind == 'streamable' else 'sse'}"
    running = uvicorn.Server(uvicorn.Config(noting, log_level="critical", timeout_graceful_shutdown=1))
    task = asyncio.create_task(running.serve(sockets=[listening]))
    try:
        yield seen
    finally:
        running.should_exit = True
        await task
