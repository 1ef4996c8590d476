"""`codex exec --json`: turns of items."""

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

MESSAGES = ("agent_message", "reasoning", "error")
"""Items that are no tool calls."""


class CodexLines:
    def __init__(self) -> None:
        self._begun: set[str] = set()
        """Ids of the calls whose begin was printed."""

    def read(self, line: str) -> Iterator[CliEvent]:
        data = json_object(line)
        match data:
            case None:
                yield Printed(line)
            case {"type": "item.started", "item": {"type": str(kind)} as item} if kind not in MESSAGES:
                yield self._called(kind, item)
            case {"type": "item.completed", "item": {"type": str(kind)} as item}:
                yield from self._completed(kind, item)
            case {"type": "turn.completed", "usage": {**usage}}:
                yield Usage(
                    count(usage.get("input_tokens")),
                    count(usage.get("output_tokens")),
                    count(usage.get("cached_input_tokens")),
                )
            case {"type": "turn.failed"} | {"type": "error"}:
                yield Failed(text_of(data.get("error") or data.get("message")))

    def _called(self, kind: str, item: dict[str, Any]) -> Called:
        call_id = str(item.get("id", ""))
        self._begun.add(call_id)
        names = ("command", "changes", "query", "arguments", "prompt")
        arguments = {name: item[name] for name in names if item.get(name) not in (None, "")}
        return Called(call_id, str(item.get("tool") or kind), arguments)

    def _completed(self, kind: str, item: dict[str, Any]) -> Iterator[CliEvent]:
        match kind:
            case "agent_message" | "reasoning":
                yield Said(text_of(item.get("text")), is_reasoning=kind == "reasoning")
            case "error":
                # About what the program lacks, while it goes on.
                yield Printed(text_of(item.get("message")))
            case _:
                if str(item.get("id", "")) not in self._begun:
                    yield self._called(kind, item)
                error = text_of(mapping(item.get("error")).get("message"))
                output = error or text_of(item.get("aggregated_output") or item.get("result"))
                failed = item.get("status") == "failed" or item.get("exit_code") not in (None, 0)
                yield Returned(str(item.get("id", "")), output, failed)
