"""A provider that sends bytes as they are given: whatever servers do that are almost like the real ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    pieces: Sequence[bytes] = ()
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    stays_open: bool = False
    """The connection is left open after the last piece; else it is closed, and that is the end of the body."""


@dataclass
class RawProvider:
    url: str
    replies: list[Reply]
    bodies: list[Any] = field(default_factory=list)
    """Of the requests."""


@asynccontextmanager
async def raw_provider(*replies: Reply) -> AsyncIterator[RawProvider]:
    """Gives the replies in their order, the last one again and again."""
    provider = RawProvider("", list(replies))
    closing = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        provider.bodies.append(json.loads(await reader.readexactly(length)))
        reply = provider.replies.pop(0) if len(provider.replies) > 1 else provider.replies[0]
        headers = {"content-type": reply.content_type, "connection": "close", **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Status", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        for piece in reply.pieces:
            writer.write(piece)
            await writer.drain()
        if reply.stays_open:
            await closing.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield provider
        closing.set()


def sse(*events: Any) -> Reply:
    """A reply of events: data as JSON, texts as they are."""
    return Reply([event_bytes(event) for event in events])


def event_bytes(event: Any) -> bytes:
    if isinstance(event, str):
        return event.encode()
    name = f"event: {event['type']}\n" if isinstance(event, dict) and "type" in event else ""
    return f"{name}data: {json.dumps(event)}\n\n".encode()


def as_json(data: Any, status: int = 200) -> Reply:
    return Reply([json.dumps(data).encode()], "application/json", status=status)


DONE = "data: [DONE]\n\n"


def chunk(finish: str | None = None, /, **delta: Any) -> dict[str, Any]:
    """Of a chat completion."""
    head = {"id": "chat_1", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}
    return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def calling(
    name: str | None = None,
    arguments: Any = None,
    /,
    *,
    index: int | None = 0,
    id: str | None = None,  # noqa: A002
) -> dict[str, Any]:
    """A chunk with a piece of a tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    given = {"index": index, "id": id}
    call = {
        "type": "function",
        "function": function,
        **{key: value for key, value in given.items() if value is not None},
    }
    return chunk(tool_calls=[call])
