"""Reads the stream of a chat completion, of OpenAI and of the servers that imitate its API.

Their deviations are handled here and nowhere else; the tests list them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import httpx2
import openai
from openai.types.chat import ChatCompletionChunk

from stigmer_tui.agents.models.direct_calls import WireFormat, direct_calls, event_of
from stigmer_tui.agents.models.faults import MAX_EXCERPT, CutShortError, InvalidResponseError, error_in
from stigmer_tui.agents.models.gathering import Output, TextDelta
from stigmer_tui.agents.models.server_events import ServerSentEvent
from stigmer_tui.agents.models.thinking import TextKind, ThinkingTags
from stigmer_tui.agents.models.tool_calls import ToolCalls
from stigmer_tui.definition.support import TOOLS

Chunks: TypeAlias = Iterator[Output[ChatCompletionChunk]]

FINISH_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool_calls"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "blocklist", "prohibited_content"), "content_filter"),
}
"""OpenAI's finish reasons by those of servers, in lower case. Any other one means stop."""


class ChatCompletion:
    """Reads one response: events of the server in, chunks for the framework out."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.has_output = False
        """Whether there was any output besides thinking."""
        self.is_finished = False
        """Whether the server has signalled the end."""
        self.is_over = False
        """Whether the server has signalled the end of the stream."""
        self._head: dict[str, Any] = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""}
        self._tags = ThinkingTags()
        self._calls = ToolCalls(TOOLS)
        self._finish_reason: str | None = None
        self._usage: dict[str, Any] | None = None

    def read(self, event: ServerSentEvent) -> Chunks:
        """Reads an event. Raises InvalidResponseError for one that is not valid, and APIError for a reported error."""
        text = event.data.strip()
        is_over = text.endswith("[DONE]")
        for data in _parsed(text.removesuffix("[DONE]").strip()):
            yield from self.read_data(data)
        if is_over:
            self.is_finished = self.is_over = True

    def read_data(self, data: Any) -> Chunks:
        """Reads a chunk, or a whole completion or an error that comes instead of a stream."""
        if error := error_in(data):
            raise self._reported(error)
        if isinstance(data, dict) and ("choices" in data or "usage" in data):
            yield from self._read_chunk(data)
        elif isinstance(data, dict) and not self.has_output and "id" not in data:
            raise InvalidResponseError(f"answered with data that is not a completion: {json.dumps(data)[:MAX_EXCERPT]}")

    def end(self) -> Chunks:
        """Reads the end of the body. Raises CutShortError if the response is not complete."""
        if not self.is_finished:
            raise CutShortError
        yield from self._release()
        yield self._chunk({}, self._finish_reason, self._usage)

    def _read_chunk(self, data: Mapping[str, Any]) -> Chunks:
        self._head |= {name: value for name in ("id", "model") if isinstance(value := data.get(name), str) and value}
        # Some send a running count in every chunk, so that the last one is the total.
        self._usage = _usage(data.get("usage")) or self._usage
        match data.get("choices"):
            case [{} as choice, *_]:
                yield from self._choice(choice)
            case _ if self._usage and self.has_output:
                # Only the last chunk has the usage and nothing else.
                self.is_finished = True

    def _choice(self, choice: Mapping[str, Any]) -> Chunks:
        delta = choice.get("delta", choice.get("message"))
        delta = delta if isinstance(delta, dict) else {}
        for name in ("reasoning_content", "reasoning", "thinking"):
            if thought := _text(delta.get(name)):
                yield TextDelta("reasoning", thought, self._reasoning)
                break
        if text := _text(delta.get("content", choice.get("text"))):
            yield from self._text_deltas(self._tags.read(text))
        if refusal := _text(delta.get("refusal")):
            yield self._chunk({"refusal": refusal})
        calls = delta.get("tool_calls")
        if not calls and isinstance(delta.get("function_call"), dict):
            calls = [{"index": 0, "function": delta["function_call"]}]
        if calls:
            yield from self._call_deltas(self._calls.read(calls))
        if reason := _text(choice.get("finish_reason")) or _text(choice.get("finishReason")):
            yield from self._finish(reason, choice)

    def _finish(self, reason: str, choice: Mapping[str, Any]) -> Chunks:
        if reason == "error":
            raise self._reported(error_in(choice) or {"message": "the provider ended the answer with an error"})
        self.is_finished = True
        self._finish_reason = FINISH_REASONS.get(reason.lower(), "stop")
        yield from self._release()

    def _release(self) -> Chunks:
        yield from self._text_deltas(self._tags.end())
        yield from self._call_deltas(self._calls.end())

    def _text_deltas(self, pieces: Iterator[tuple[TextKind, str]]) -> Chunks:
        for kind, text in pieces:
            if kind is TextKind.THINKING:
                yield TextDelta("reasoning", text, self._reasoning)
            else:
                self.has_output = True
                yield TextDelta("content", text, self._content)

    def _call_deltas(self, calls: Iterator[dict[str, Any]]) -> Chunks:
        for call in calls:
            self.has_output = True
            if "id" in call:
                yield self._chunk({"tool_calls": [call]})
            else:
                index, arguments = call["index"], call["function"]["arguments"]
                yield TextDelta(index, arguments, partial(self._arguments, index))

    def _reasoning(self, text: str) -> ChatCompletionChunk:
        return self._chunk({"reasoning_content": text})

    def _content(self, text: str) -> ChatCompletionChunk:
        return self._chunk({"content": text})

    def _arguments(self, index: int, text: str) -> ChatCompletionChunk:
        return self._chunk({"tool_calls": [{"index": index, "type": "function", "function": {"arguments": text}}]})

    def _chunk(
        self, delta: Mapping[str, Any], finish_reason: str | None = None, usage: Mapping[str, Any] | None = None
    ) -> ChatCompletionChunk:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return event_of(ChatCompletionChunk, {**self._head, "choices": [choice], "usage": usage})

    def _reported(self, error: Mapping[str, Any]) -> openai.APIError:
        return openai.APIError(error["message"], self._response.request, body=error)


def _parsed(text: str) -> list[Any]:
    """The data of an event, or of several where a server leaves out the blank lines between them."""
    try:
        return [json.loads(text)] if text else []
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        raise InvalidResponseError(f"sent invalid JSON: {text[:MAX_EXCERPT]}") from error


def _text(value: Any) -> str:
    """A text, or the texts of a list of parts, joined."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    parts = (part.get("text") if isinstance(part, dict) else part for part in value)
    return "".join(part for part in parts if isinstance(part, str))


def _usage(usage: Any) -> dict[str, Any] | None:
    """The counts of the usage, with zeros for the required ones that are missing."""
    if not isinstance(usage, dict):
        return None
    counted = {name: _usage(value) or value for name, value in usage.items()}
    counted = {name: value for name, value in counted.items() if isinstance(value, dict) or _is_count(value)}
    if "prompt_tokens" not in counted and "completion_tokens" not in counted:
        return counted or None
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, **counted}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _inner_error(body: Any) -> object:
    return body.get("error", body) if isinstance(body, dict) else body


CHAT_COMPLETIONS = WireFormat(openai, "/chat/completions", ChatCompletion, _inner_error)


def call_directly(client: openai.AsyncOpenAI, http: httpx2.AsyncClient) -> None:
    """Lets the chat completions of a client be sent and read without it."""
    # It keeps what it makes on the first use.
    vars(client.chat)["completions"] = direct_calls(client, http, CHAT_COMPLETIONS)
