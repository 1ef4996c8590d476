"""`--output-format stream-json` of claude and qwen: messages of the Anthropic API, then a result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stigmer_tui.agent_clis.events import (
    Called,
    CliEvent,
    Failed,
    Printed,
    Returned,
    Said,
    Usage,
    count,
    json_object,
    mapping,
    text_of,
)


class ClaudeLines:
    def read(self, line: str) -> Iterator[CliEvent]:
        data = json_object(line)
        match data:
            case None:
                yield Printed(line)
            case {"type": "assistant", "message": {"content": list(parts)}}:
                yield from self._said(parts)
            case {"type": "user", "message": {"content": list(parts)}}:
                yield from self._returned(parts)
            case {"type": "result"}:
                yield from self._result(data)

    def _said(self, parts: list[Any]) -> Iterator[CliEvent]:
        for part in parts:
            match part:
                case {"type": "text", "text": str(text)} if text.strip():
                    yield Said(text)
                case {"type": "thinking", "thinking": str(text)} if text.strip():
                    yield Said(text, is_reasoning=True)
                case {"type": "tool_use", "id": str(call_id), "name": str(tool)}:
                    yield Called(call_id, tool, mapping(part.get("input")))

    def _returned(self, parts: list[Any]) -> Iterator[CliEvent]:
        for part in parts:
            match part:
                case {"type": "tool_result", "tool_use_id": str(call_id)}:
                    yield Returned(call_id, text_of(part.get("content")), bool(part.get("is_error")))

    def _result(self, data: dict[str, Any]) -> Iterator[CliEvent]:
        usage = mapping(data.get("usage"))
        cached = count(usage.get("cache_read_input_tokens"))
        cost = data.get("total_cost_usd")
        yield Usage(
            # The cached ones are not among the others, but for qwen, which has a total.
            count(usage.get("input_tokens")) + (0 if "total_tokens" in usage else cached),
            count(usage.get("output_tokens")),
            cached,
            float(cost) if isinstance(cost, int | float) else None,
        )
        if data.get("is_error"):
            yield Failed(text_of(data.get("result") or data.get("error") or data.get("subtype")))
