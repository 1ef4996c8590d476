"""A small HTTP server on loopback that remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    body: bytes | str = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """An empty Content-Length is not sent."""
    closes: bool = False
    """Whether the connection is closed after it, complete or not."""


def json_reply(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value), {"Content-Type": "application/json"})


Answer = Callable[[Asked], Awaitable[Reply] | Reply]


class HttpServer:
    def __init__(self) -> None:
        self.answer: Answer = lambda asked: Reply()
        self.asked: list[Asked] = []
        self.connections = 0
        self.url = ""

    def replies(self, *replies: Reply) -> None:
        """One after the other, the last one for ever."""
        remaining = list(replies)
        self.answer = lambda asked: remaining.pop(0) if len(remaining) > 1 else remaining[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked = await _read(head, reader)
                self.asked.append(asked)
                reply = self.answer(asked)
                reply = reply if isinstance(reply, Reply) else await reply
                writer.write(_bytes(reply))
                await writer.drain()
                if reply.closes:
                    break
            writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def http_server() -> AsyncIterator[HttpServer]:
    server = HttpServer()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            tasks.add(task)
        await server.serve(reader, writer)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        for task in tasks:
            task.cancel()


async def _read(head: bytes, reader: asyncio.StreamReader) -> Asked:
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", 0))))


def _bytes(reply: Reply) -> bytes:
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    headers = {"Content-Length": str(len(body)), **reply.headers}
    lines = [f"{name}: {text}" for name, text in headers.items() if text or name != "Content-Length"]
    return "\r\n".join([f"HTTP/1.1 {reply.status} Status {reply.status}", *lines, "", ""]).encode() + body
