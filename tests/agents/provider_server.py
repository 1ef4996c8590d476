"""A server that answers like Anthropic's and OpenAI's: with streams of server-sent events in their wire formats."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What the model says and calls; or an error, when there is a status."""

    texts: Sequence[str] = ()
    calls: Sequence[tuple[str, str, dict[str, Any] | str]] = ()
    """Id, tool, arguments; a text is sent as it is."""
    status: int = 200
    error: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False
    finish: str = ""


Wire = Callable[[Answer], list[str]]


@dataclass
class ProviderServer:
    url: str
    answers: list[Answer]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [request.body for request in self.requests]


@asynccontextmanager
async def provider_server(wire: Wire, *answers: Answer, pace: int = 0) -> AsyncIterator[ProviderServer]:
    """Gives the answers in their order, the last one again and again; with a pace, that many events a second."""
    provider = ProviderServer("", list(answers))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        provider.connections += 1
        try:
            while await give_answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # asyncio reports a handler that was cancelled as an error.
            pass
        writer.close()

    async def give_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can be used again, as those of real providers can."""
        provider.requests.append(await _read(reader))
        answer = provider.answers.pop(0) if len(provider.answers) > 1 else provider.answers[0]
        if answer.status != 200:
            data = json.dumps(answer.error).encode()
            _head(
                writer,
                answer.status,
                {"content-type": "application/json", "content-length": str(len(data)), **answer.headers},
            )
            writer.write(data)
        else:
            _head(writer, 200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
            events = wire(answer)
            began = time.monotonic()
            for number, event in enumerate(events[: len(events) // 2] if answer.breaks_off else events):
                writer.write(f"{len(event.encode()):x}\r\n{event}\r\n".encode())
                await writer.drain()
                if pace and (ahead := number / pace - (time.monotonic() - began)) > 0.005:
                    await asyncio.sleep(ahead)
            if not answer.breaks_off:
                writer.write(b"0\r\n\r\n")
        await writer.drain()
        return not answer.breaks_off

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield provider


def anthropic_events(answer: Answer) -> list[str]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": []}
    usage = {"input_tokens": 12, "output_tokens": 1}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}}
    ]
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = []
    if answer.texts:
        blocks.append(({"type": "text", "text": ""}, [{"type": "text_delta", "text": text} for text in answer.texts]))
    for call_id, tool, arguments in answer.calls:
        text = _argument_text(arguments)
        pieces = [{"type": "input_json_delta", "partial_json": part} for part in (text[:3], text[3:])]
        blocks.append(({"type": "tool_use", "id": call_id, "name": tool, "input": {}}, pieces))
    for index, (block, deltas) in enumerate(blocks):
        events.append({"type": "content_block_start", "index": index, "content_block": block})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    reason = answer.finish or ("tool_use" if answer.calls else "end_turn")
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 34}})
    events.append({"type": "message_stop"})
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]


def openai_events(answer: Answer) -> list[str]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text} for text in answer.texts]
    for index, (call_id, tool, arguments) in enumerate(answer.calls):
        text = _argument_text(arguments)
        first = {"index": index, "id": call_id, "type": "function", "function": {"name": tool, "arguments": text[:3]}}
        deltas.append({"tool_calls": [first]})
        deltas.append({"tool_calls": [{"index": index, "function": {"arguments": text[3:]}}]})
    choices: list[list[dict[str, Any]]] = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
    reason = answer.finish or ("tool_calls" if answer.calls else "stop")
    choices += [[{"index": 0, "delta": {}, "finish_reason": reason}], []]
    chunk = {"id": "chat_1", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}
    usage = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
    events = [{**chunk, "choices": choice, "usage": None if choice else usage} for choice in choices]
    return [*(f"data: {json.dumps(event)}\n\n" for event in events), "data: [DONE]\n\n"]


WIRES: dict[str, Wire] = {"anthropic": anthropic_events, "openai": openai_events, "ollama": openai_events}
"""By the names of providers."""


def _argument_text(arguments: dict[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Request(head[0].split()[1], headers, json.loads(body))


def _head(writer: asyncio.StreamWriter, status: int, headers: Mapping[str, str]) -> None:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
