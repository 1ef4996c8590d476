"""`run --format json` of opencode and kilo: parts of messages."""

from __future__ import annotations

import re
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

_RETRY = re.compile(r'message="stream error" .*\berror\.error="([^"]*)"')
"""In its log, which it prints where it is asked to: nothing else tells why it has not answered yet."""


class OpencodeLines:
    def read(self, line: str) -> Iterator[CliEvent]:
        data = json_object(line)
        match data:
            case None:
                retry = _RETRY.search(line)
                yield Printed(retry[1], is_retry=True) if retry else Printed(line)
            case {"type": "text" | "reasoning" as kind, "part": {"text": str(text)}} if text.strip():
                yield Said(text, is_reasoning=kind == "reasoning")
            case {"type": "tool_use", "part": {"tool": str(tool)}}:
                # It is printed once, at its end.
                part = mapping(data.get("part"))
                yield from self._call(str(part.get("callID", "")), tool, mapping(part.get("state")))
            case {"type": "step_finish"}:
                yield self._usage(mapping(data.get("part")))
            case {"type": "error"}:
                error = mapping(data.get("error"))
                yield Failed(text_of(mapping(error.get("data")).get("message") or error.get("name") or error))

    def _call(self, call_id: str, tool: str, state: dict[str, Any]) -> Iterator[CliEvent]:
        yield Called(call_id, tool, mapping(state.get("input")))
        failed = state.get("status") == "error"
        yield Returned(call_id, text_of(state.get("error") if failed else state.get("output")), failed)

    def _usage(self, part: dict[str, Any]) -> Usage:
        tokens, cost = mapping(part.get("tokens")), part.get("cost")
        cached = count(mapping(tokens.get("cache")).get("read"))
        return Usage(
            count(tokens.get("input")) + cached,
            count(tokens.get("output")) + count(tokens.get("reasoning")),
            cached,
            float(cost) if isinstance(cost, int | float) else None,
        )
