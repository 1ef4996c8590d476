"""Removes escape sequences and control characters from text before it reaches a terminal, a pipe or a file.

Output of models, tools, projects and servers contains them, by accident or on purpose.
"""

from __future__ import annotations

import json
import re
from typing import Any, TextIO

ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:"
    r"\[[0-?]*[ -/]*[@-~]?"  # CSI: colours, the cursor
    r"|[\]PX^_].*?(?:\x07|\x1b\\|$)"  # OSC, DCS and other strings, which end with the line at the latest
    r"|[ -/]*[0-~]?"  # the short ones
    r")",
    re.MULTILINE,
)

_UNFINISHED = re.compile(r"(?:\r|\x1b(?:\[[0-?]*[ -/]*|[\]PX^_](?:[^\x07\x1b\r\n]|\x1b(?!\\))*|[ -/]*))\Z")
"""An incomplete sequence at the end of a chunk, which the next chunk may complete."""

MAX_UNFINISHED = 4096
"""Characters. Anything longer without a terminator is not an escape sequence."""

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_HIDDEN = "\ufff9-\ufffb\U000e0000-\U000e0fff"

_NOT_SHOWN = re.compile(f"[{_DIRECTION}{_HIDDEN}]")
"""Characters that reorder the text after them (bidirectional controls), or are invisible."""

_NOT_PRINTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_ESCAPED_IN_JSON = re.compile(f"[\x7f-\x9f\u2028\u2029\ud800-\udfff{_DIRECTION}{_HIDDEN}]")


def last_form(line: str) -> str:
    """What remains of a line that was overwritten after carriage returns, as by a progress bar."""
    return line.rstrip("\r").rpartition("\r")[2]


def visible(match: re.Match[str]) -> str:
    """A printable symbol for a control character."""
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def json_text(data: Any, indent: int | None = None) -> str:
    """JSON that is safe to print: nothing is lost, and control characters are escaped."""
    return _ESCAPED_IN_JSON.sub(_escape, json.dumps(data, ensure_ascii=False, indent=indent))


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


class ControlFilter:
    """Cleans text that arrives in chunks."""

    def __init__(self) -> None:
        self._unfinished = ""

    def feed(self, piece: str) -> str:
        text = self._unfinished + piece
        self._unfinished = ""
        if text.isprintable() and not _NOT_SHOWN.search(text):
            return text
        if (end := _UNFINISHED.search(text, max(0, len(text) - MAX_UNFINISHED))) is not None:
            text, self._unfinished = text[: end.start()], end[0]
        text = ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        return _NOT_PRINTED.sub(visible, _NOT_SHOWN.sub("", text))


class FilteredOutput:
    """A text stream that cleans everything written to it, for use as standard output."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._filter = ControlFilter()

    def write(self, text: str) -> int:
        self._stream.write(self._filter.feed(text))
        return len(text)

    def write_styled(self, text: str, style: str) -> None:
        """Writes text in a style of our own, such as `31` (red); styles within the text are removed."""
        self._stream.write(f"\x1b[{style}m{self._filter.feed(text)}\x1b[0m")

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:
        return self._stream.encoding

    @property
    def errors(self) -> str | None:
        return self._stream.errors

    @property
    def closed(self) -> bool:
        return self._stream.closed
