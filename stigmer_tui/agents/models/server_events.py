"""Server-sent events out of bytes that arrive in pieces, also where servers take the format lightly."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_STRAY = 10_000
"""Characters that are kept of what is no event."""

_LINE_END = re.compile(rb"\r\n|\n|\r")
_FIELDS = ("data", "event", "id", "retry")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    name: str
    data: str


class EventReader:
    def __init__(self) -> None:
        self.stray = ""
        """The beginning of what stood outside of events: the words of a server that does not send any."""
        self._open_line = bytearray()
        self._name = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """The events that are complete now."""
        if self._open_line.endswith(b"\r"):
            # It may have been the first half of a line's end.
            del self._open_line[-1]
            data = b"\r" + data
        start = 0
        for line_end in _LINE_END.finditer(data):
            if line_end.end() == len(data) and line_end[0] == b"\r":
                break
            line = bytes(self._open_line) + data[start : line_end.start()]
            self._open_line.clear()
            start = line_end.end()
            yield from self._take(line)
        self._open_line += data[start:]

    def end(self) -> Iterator[ServerSentEvent]:
        """What was still open: the last event often lacks the blank line after it."""
        line = bytes(self._open_line).rstrip(b"\r")
        self._open_line.clear()
        yield from self._take(line)
        yield from self._take(b"")

    def _take(self, line: bytes) -> Iterator[ServerSentEvent]:
        text = line.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
        if not text:
            if self._data:
                yield ServerSentEvent(self._name, "\n".join(self._data))
            self._name = ""
            self._data.clear()
            return
        field, _, value = text.partition(":")
        match field:
            case "data":
                self._data.append(value.removeprefix(" "))
            case "event":
                self._name = value.strip()
            case _ if field and field not in _FIELDS and len(self.stray) < MAX_STRAY:
                self.stray += f"{text[:MAX_STRAY]}\n"
