"""Parses server-sent events from bytes that arrive in pieces, leniently."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

MAX_STRAY = 10_000
"""Characters that are kept of text outside of events."""

_FIELDS = ("data", "event", "id", "retry")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """A server-sent event."""

    name: str
    data: str


class EventReader:
    """Parses the events of one stream."""

    def __init__(self) -> None:
        self.stray = ""
        """The beginning of the text outside of events: the message of a server that does not stream."""
        self._open_line = bytearray()
        self._name = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> Iterator[ServerSentEvent]:
        """Appends bytes; gives the events that are complete."""
        if b"\n" not in data and b"\r" not in data and not self._open_line.endswith(b"\r"):
            self._open_line += data
            return
        lines = (bytes(self._open_line) + data).splitlines(keepends=True)
        self._open_line.clear()
        if not lines[-1].endswith(b"\n"):
            # Also one that ends with \r, which may be the first half of \r\n.
            self._open_line += lines.pop()
        for line in lines:
            yield from self._take(line.rstrip(b"\r\n"))

    def end(self) -> Iterator[ServerSentEvent]:
        """Ends the stream; gives the last event, which often lacks its blank line."""
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
