"""What was really sent to a model, taken where it leaves the process, and what it answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, ModelResponse, ToolCallPart
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from stigmer_tui.agents.answers import final_answer, is_final_answer
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.responses import arguments_of, text_of
from stigmer_tui.core.known_secrets import without_credentials

KEPT_HEADERS = ("content-type", "anthropic-version", "anthropic-beta")


@dataclass(slots=True)
class SentRequest:
    """A request for one response; empty until it is sent."""

    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)


_watched: ContextVar[SentRequest | None] = ContextVar("stigmer_tui.agents.models.requests", default=None)


@contextmanager
def watched_request() -> Iterator[SentRequest]:
    """Takes the request that is sent within the block; of several, the last."""
    sent = SentRequest()
    token = _watched.set(sent)
    try:
        yield sent
    finally:
        _watched.reset(token)


def note_request(request: httpx2.Request, body: dict[str, Any]) -> None:
    """Notes a request that is about to be sent."""
    sent = _watched.get()
    if sent is None:
        return
    sent.url = without_credentials(str(request.url))
    sent.headers = {name: request.headers[name] for name in KEPT_HEADERS if name in request.headers}
    sent.body = body


def framework_request(
    messages: Sequence[ModelMessage], settings: ModelSettings | None, parameters: ModelRequestParameters
) -> dict[str, Any]:
    """The body of what a script got in place of a model, in words of the framework."""
    return {
        **offered(messages, parameters),
        "messages": [_message(data) for data in ModelMessagesTypeAdapter.dump_python(list(messages), mode="json")],
        "settings": dict(settings or {}),
    }


def offered(messages: Sequence[ModelMessage], parameters: ModelRequestParameters) -> dict[str, Any]:
    """Instructions and tools of a request."""
    instructions = [message.instructions for message in messages if isinstance(message, ModelRequest)]
    tools = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters_json_schema}
        for tool in parameters.function_tools
    ]
    return {"instructions": next(filter(None, reversed(instructions)), ""), "tools": tools}


def _message(data: Mapping[str, Any]) -> dict[str, Any]:
    parts = [{name: part[name] for name in _PART_FIELDS if part.get(name) is not None} for part in data["parts"]]
    return {"kind": data["kind"], "parts": parts}


_PART_FIELDS = ("part_kind", "content", "tool_name", "tool_call_id", "args")


def exchange(
    agent: str, uses: Sequence[str], choice: ModelChoice, request: Mapping[str, Any], response: ModelResponse
) -> dict[str, Any]:
    """The same for every provider: what was `offered`, and the answer. `uses` is what the agent works with."""
    calls = [part for part in response.parts if isinstance(part, ToolCallPart) and not is_final_answer(part)]
    # The framework estimates those of a script.
    usage = RequestUsage() if choice.is_scripted else response.usage
    return {
        "agent": agent,
        "uses": list(uses),
        "provider": choice.provider.name,
        "model": choice.model,
        **request,
        "say": final_answer(response) or text_of(response),
        "calls": [{"id": call.tool_call_id, "tool": call.tool_name, "arguments": arguments_of(call)} for call in calls],
        "tokens": {"input": usage.input_tokens, "cached": usage.cache_read_tokens, "output": usage.output_tokens},
    }
