"""The stream of a chat completion, as OpenAI would have sent it, out of what servers send in its name.

Here is the one place that knows of their ways; the table of these is in the tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stigmer_tui.agents.models.faults import MAX_EXCERPT, CutShortError, NotAnAnswerError, told_error
from stigmer_tui.agents.models.server_events import ServerSentEvent
from stigmer_tui.agents.models.thinking import ThinkingTags, Voice
from stigmer_tui.agents.models.tool_calls import ToolCalls
from stigmer_tui.definition.support import TOOLS

DONE = b"data: [DONE]\n\n"

FINISH_REASONS = {
    **dict.fromkeys(("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tool_calls"),
    **dict.fromkeys(("content_filter", "safety", "recitation", "blocklist", "prohibited_content"), "content_filter"),
}
"""By what servers say, in lower case. Whatever else they say is an end as well."""


class ChatCompletion:
    """One answer: events of the server in, events for the provider's software out."""

    def __init__(self) -> None:
        self.has_said = False
        """Whether there was anything but thoughts."""
        self.is_finished = False
        """Whether the server has said that this is the end, or that there is none."""
        self.is_over = False
        """Whether the server has also said that nothing follows."""
        self._head: dict[str, Any] = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": ""}
        self._tags = ThinkingTags()
        self._calls = ToolCalls(TOOLS)
        self._usage: dict[str, Any] | None = None

    def read(self, event: ServerSentEvent) -> Iterator[bytes]:
        text = event.data.strip()
        is_over = text.endswith("[DONE]")
        for data in _parsed(text.removesuffix("[DONE]").strip()):
            yield from self.read_data(data)
        if is_over:
            self.is_finished = self.is_over = True

    def read_data(self, data: Any) -> Iterator[bytes]:
        """A chunk; or the whole completion, or an error, where these come instead of a stream."""
        if error := told_error(data):
            self.is_finished = True
            yield _event({"error": error})
        elif isinstance(data, Mapping) and ("choices" in data or "usage" in data):
            yield from self._chunk(data)
        elif isinstance(data, Mapping) and not self.has_said and "id" not in data:
            raise NotAnAnswerError(f"answered with data that is not a completion: {json.dumps(data)[:MAX_EXCERPT]}")

    def end(self) -> Iterator[bytes]:
        """Raises CutShortError when this is not the end."""
        if not self.is_finished:
            raise CutShortError
        yield from self._release()
        if self._usage:
            yield _event({**self._head, "choices": [], "usage": self._usage})
        yield DONE

    def _chunk(self, data: Mapping[str, Any]) -> Iterator[bytes]:
        self._head |= {name: value for name in ("id", "model") if isinstance(value := data.get(name), str) and value}
        # Some count up in every chunk: what is told last is true of all.
        self._usage = _usage(data.get("usage")) or self._usage
        match data.get("choices"):
            case [{} as choice, *_]:
                yield from self._choice(choice)
            case _ if self._usage and self.has_said:
                # Only the last chunk tells the usage alone.
                self.is_finished = True

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[bytes]:
        delta = choice.get("delta", choice.get("message"))
        delta = delta if isinstance(delta, Mapping) else {}
        for name in ("reasoning_content", "reasoning", "thinking"):
            if thought := _text(delta.get(name)):
                yield self._delta(reasoning_content=thought)
                break
        if text := _text(delta.get("content", choice.get("text"))):
            yield from self._spoken(self._tags.read(text))
        if refusal := _text(delta.get("refusal")):
            yield self._delta(refusal=refusal)
        calls = delta.get("tool_calls")
        if not calls and isinstance(delta.get("function_call"), Mapping):
            calls = [{"index": 0, "function": delta["function_call"]}]
        if calls:
            yield from self._called(self._calls.read(calls))
        if reason := _text(choice.get("finish_reason")) or _text(choice.get("finishReason")):
            yield from self._finish(reason, choice)

    def _finish(self, reason: str, choice: Mapping[str, Any]) -> Iterator[bytes]:
        self.is_finished = True
        if reason == "error":
            error = told_error(choice) or {"message": "the provider ended the answer with an error"}
            yield _event({"error": error})
            return
        yield from self._release()
        yield self._delta(FINISH_REASONS.get(reason.lower(), "stop"))

    def _release(self) -> Iterator[bytes]:
        yield from self._spoken(self._tags.end())
        yield from self._called(self._calls.end())

    def _spoken(self, spoken: Iterator[tuple[Voice, str]]) -> Iterator[bytes]:
        for voice, text in spoken:
            if voice is Voice.THOUGHT:
                yield self._delta(reasoning_content=text)
            else:
                self.has_said = True
                yield self._delta(content=text)

    def _called(self, calls: Iterator[dict[str, Any]]) -> Iterator[bytes]:
        for call in calls:
            self.has_said = True
            yield self._delta(tool_calls=[call])

    def _delta(self, finish_reason: str | None = None, **delta: Any) -> bytes:
        return _event({**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def _parsed(text: str) -> list[Any]:
    """What an event holds; some servers leave out the blank lines between theirs."""
    try:
        return [json.loads(text)] if text else []
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines()]
    except ValueError as error:
        raise NotAnAnswerError(f"sent invalid JSON: {text[:MAX_EXCERPT]}") from error


def _text(value: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence):
        return ""
    parts = (part.get("text") if isinstance(part, Mapping) else part for part in value)
    return "".join(part for part in parts if isinstance(part, str))


def _usage(usage: Any) -> dict[str, Any] | None:
    """Only what is counted, and all that must be there."""
    if not isinstance(usage, Mapping):
        return None
    counted = {name: _usage(value) or value for name, value in usage.items()}
    counted = {name: value for name, value in counted.items() if isinstance(value, dict) or _is_count(value)}
    if "prompt_tokens" not in counted and "completion_tokens" not in counted:
        return counted or None
    return {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0, **counted}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
