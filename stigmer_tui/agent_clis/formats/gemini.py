"""`gemini --output-format stream-json`: messages in pieces, tool calls, a result."""

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

_RETRY = re.compile(r"Attempt \d+ failed")
"""Printed before it asks again; nothing else tells why it has not answered yet."""


class GeminiLines:
    def __init__(self) -> None:
        self._said: list[str] = []
        """Pieces of a message that is not complete yet."""

    def read(self, line: str) -> Iterator[CliEvent]:
        data = json_object(line)
        if data is not None and data.get("type") == "message":
            if data.get("role") == "assistant":
                self._said.append(text_of(data.get("content")))
                if not data.get("delta"):
                    yield from self._message()
            return
        yield from self._message()
        match data:
            case None:
                yield Printed(line, is_retry=bool(_RETRY.match(line)))
            case {"type": "tool_use"}:
                yield Called(
                    str(data.get("tool_id", "")), str(data.get("tool_name", "")), mapping(data.get("parameters"))
                )
            case {"type": "tool_result"}:
                failed = data.get("status") == "error"
                output = data.get("error") if failed and data.get("error") else data.get("output")
                yield Returned(str(data.get("tool_id", "")), text_of(output), failed)
            case {"type": "error"}:
                yield (
                    Failed(text_of(data.get("message")))
                    if data.get("severity") == "error"
                    else Printed(text_of(data.get("message")))
                )
            case {"type": "result"}:
                yield from self._result(data)

    def _message(self) -> Iterator[CliEvent]:
        said, self._said = "".join(self._said), []
        if said.strip():
            yield Said(said)

    def _result(self, data: dict[str, Any]) -> Iterator[CliEvent]:
        stats = mapping(data.get("stats"))
        yield Usage(count(stats.get("input_tokens")), count(stats.get("output_tokens")), count(stats.get("cached")))
        if data.get("status") == "error":
            yield Failed(text_of(data.get("error")))
