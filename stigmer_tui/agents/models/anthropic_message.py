"""Reads the stream of a message, of Anthropic and of the servers that imitate its API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import anthropic
import httpx2
from anthropic.types.beta import (
    BetaRawContentBlockDeltaEvent,
    BetaRawContentBlockStartEvent,
    BetaRawContentBlockStopEvent,
    BetaRawMessageDeltaEvent,
    BetaRawMessageStartEvent,
    BetaRawMessageStreamEvent,
)

from stigmer_tui.agents.models.direct_calls import WireFormat, direct_calls, event_of
from stigmer_tui.agents.models.faults import MAX_EXCERPT, CutShortError, InvalidResponseError, error_in
from stigmer_tui.agents.models.gathering import Output, TextDelta
from stigmer_tui.agents.models.server_events import ServerSentEvent

Events: TypeAlias = Iterator[Output[BetaRawMessageStreamEvent]]

_EVENTS: dict[str, type[BetaRawMessageStreamEvent]] = {
    "message_start": BetaRawMessageStartEvent,
    "message_delta": BetaRawMessageDeltaEvent,
    "content_block_start": BetaRawContentBlockStartEvent,
    "content_block_delta": BetaRawContentBlockDeltaEvent,
    "content_block_stop": BetaRawContentBlockStopEvent,
}

_TEXTS = ("text", "thinking", "partial_json")
"""Fields of a delta that are pieces of a text."""

NOTHING_USED = {"input_tokens": 0, "output_tokens": 0}


class AnthropicMessage:
    """Reads one response: events of the server in, events for the framework out."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.has_output = False
        """Whether there was any output besides thinking."""
        self.is_finished = False
        """Whether the server has signalled the end."""
        self.is_over = False
        """Always False: only the end of the body is the end of the stream."""
        self._has_begun = False
        self._block = -1
        """The index of the latest block."""

    def read(self, event: ServerSentEvent) -> Events:
        """Reads an event. Raises InvalidResponseError for one that is not valid, and what the server reports."""
        text = event.data.strip()
        if text.startswith("[DONE]"):
            self.is_finished = True
        elif text:
            try:
                data = json.loads(text)
            except ValueError as error:
                raise InvalidResponseError(f"sent invalid JSON: {text[:MAX_EXCERPT]}") from error
            if isinstance(data, dict):
                yield from self.read_data({"type": event.name, **data})

    def read_data(self, data: Any) -> Events:
        """Reads an event, or a whole message or an error that comes instead of a stream."""
        if not isinstance(data, dict):
            raise InvalidResponseError(f"answered with data that is not a message: {json.dumps(data)[:MAX_EXCERPT]}")
        match data.get("type"):
            case "message":
                yield from self._whole(data)
            case "message_start":
                yield from self._begin(data.get("message"))
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                yield from self._part(dict(data))
            case "message_delta":
                yield from self._finish(data)
            case "message_stop":
                self.is_finished = True
            case _ if error := error_in(data):
                kind = error["type"] if isinstance(error["type"], str) else "api_error"
                body = {"type": "error", "error": {"type": kind, "message": error["message"]}}
                raise anthropic.APIStatusError(error["message"], response=self._response, body=body)
            case "" | None:
                raise InvalidResponseError(
                    f"answered with data that is not a message: {json.dumps(data)[:MAX_EXCERPT]}"
                )

    def end(self) -> Events:
        """Reads the end of the body. Raises CutShortError if the response is not complete."""
        if not self.is_finished:
            raise CutShortError
        return iter(())

    def _begin(self, message: Any) -> Events:
        message = message if isinstance(message, dict) else {}
        self._has_begun = True
        known = {"id": "", "type": "message", "role": "assistant", "model": "", **message}
        known |= {"content": [], "stop_reason": None, "usage": {**NOTHING_USED, **_counted(message.get("usage"))}}
        yield _event({"type": "message_start", "message": known})

    def _part(self, data: dict[str, Any]) -> Events:
        if not self._has_begun:
            yield from self._begin(None)
        index = data.get("index")
        data["index"] = index if isinstance(index, int) else max(0, self._block)
        if data["type"] == "content_block_start":
            self._block = data["index"]
            data["content_block"] = _block(data.get("content_block"))
        said = data.get("content_block") or data.get("delta") or {}
        self.has_output = self.has_output or bool(said.get("text")) or said.get("type") == "tool_use"
        yield _text_delta(data) or _event(data)

    def _finish(self, data: Mapping[str, Any]) -> Events:
        delta = data.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        self.is_finished = self.is_finished or bool(delta.get("stop_reason"))
        if not self._has_begun:
            yield from self._begin(None)
        yield _event({**data, "delta": delta, "usage": {"output_tokens": 0, **_counted(data.get("usage"))}})

    def _whole(self, message: Mapping[str, Any]) -> Events:
        yield from self._begin(message)
        for index, block in enumerate(message.get("content") or []):
            yield from self._part({"type": "content_block_start", "index": index, "content_block": block})
            yield from self._part({"type": "content_block_stop", "index": index})
        reason = message.get("stop_reason") or "end_turn"
        yield from self._finish({"type": "message_delta", "delta": {"stop_reason": reason}, **_usage_of(message)})


def _event(data: Mapping[str, Any]) -> BetaRawMessageStreamEvent:
    return event_of(_EVENTS[data["type"]], data)


def _text_delta(data: dict[str, Any]) -> TextDelta[BetaRawMessageStreamEvent] | None:
    """None for what is not a piece of a text."""
    match data:
        case {"type": "content_block_delta", "delta": {"type": str(kind), **rest}} if len(rest) == 1:
            [(name, text)] = rest.items()
            if name in _TEXTS and isinstance(text, str):
                return TextDelta(
                    (data["index"], kind), text, lambda whole: _event({**data, "delta": {"type": kind, name: whole}})
                )
    return None


def _block(given: Any) -> dict[str, Any]:
    block: dict[str, Any] = {**given} if isinstance(given, dict) else {"type": "text"}
    match block.get("type"):
        case "text":
            block["text"] = block.get("text") or ""
        case "thinking":
            block["thinking"] = block.get("thinking") or ""
            block["signature"] = block.get("signature") or ""
        case "tool_use":
            block["input"] = block["input"] if isinstance(block.get("input"), dict) else {}
    return block


def _usage_of(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"usage": {"output_tokens": _counted(message.get("usage")).get("output_tokens", 0)}}


def _counted(usage: Any) -> dict[str, Any]:
    """The usage without nulls."""
    return {name: value for name, value in usage.items() if value is not None} if isinstance(usage, dict) else {}


MESSAGES: WireFormat[BetaRawMessageStreamEvent] = WireFormat(
    anthropic, "/v1/messages", AnthropicMessage, lambda body: body
)


def call_directly(client: anthropic.AsyncAnthropic, http: httpx2.AsyncClient) -> None:
    """Lets the messages of a client be sent and read without it."""
    # It keeps what it makes on the first use.
    vars(client.beta)["messages"] = direct_calls(client, http, MESSAGES)
    for kind in _EVENTS.values():
        # Now, because it takes 40 ms for all, which the first response would wait for.
        kind.model_rebuild()
