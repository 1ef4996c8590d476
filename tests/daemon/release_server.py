"""A release server on loopback, which answers as a test says, also wrongly."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = bytes


def ok(content: bytes, length: int | None = None) -> Answer:
    """`length` is what it claims to be."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content) if length is None else length}\r\n\r\n"
    return head.encode() + content


def status(line: str, *headers: str) -> Answer:
    return "\r\n".join([f"HTTP/1.1 {line}", "Content-Length: 0", *headers, "", ""]).encode()


def checksum(content: bytes, name: str) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


@dataclass(slots=True)
class ReleaseServer:
    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    """By path; 404 for all others."""
    asked: list[str] = field(default_factory=list)
    silent: set[str] = field(default_factory=set)
    """Paths at which nothing follows the answer, though the connection stays open."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def release(self, name: str, content: bytes, folder: str = "") -> None:
        self.answers[f"{folder}/{name}"] = ok(content)
        self.answers[f"{folder}/{name}.sha256"] = ok(checksum(content, name))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            self.asked.append(path)
            writer.write(self.answers.get(path, status("404 Not Found")))
            await writer.drain()
            if path in self.silent:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def release_server() -> AsyncIterator[ReleaseServer]:
    server = ReleaseServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
