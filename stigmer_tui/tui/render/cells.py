"""Cleans text for a terminal, and measures, cuts and wraps it in cells."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from rich.cells import cell_len, get_character_cell_size, set_cell_size

from stigmer_tui.core.control_text import CONTROL, ESCAPE_SEQUENCE, last_form, visible
from stigmer_tui.tui.render.styled_rows import Span, Spans, StyleRole, text_of

TAB = 4

_UNSEEN = re.compile(
    "[\u00ad\u061c\u200b\u200d-\u200f\u20dd-\u20e0\u20e2-\u20e4\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\ufff9-\ufffb"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
"""Characters that change the text direction or are invisible, and those that join or vary emoji, whose width differs
between terminals."""


_TURNED = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(line: str) -> str:
    """Removes escape sequences, tabs, control characters and characters of uncertain width from a line.

    Of a line that was overwritten after carriage returns, keeps what was written last.
    """
    if line.isprintable() and not _UNSEEN.search(line):
        return line
    line = ESCAPE_SEQUENCE.sub("", last_form(line)).expandtabs(TAB)
    return CONTROL.sub(visible, _UNSEEN.sub("", line))


def clean_lines(text: str) -> list[str]:
    return [clean(line) for line in text.split("\n")]


def one_line(text: str, limit: int = 500) -> str:
    """The beginning of a text with white space collapsed."""
    return clean(" ".join(text[: limit * 2].split()))[:limit]


def clean_spans(spans: Spans) -> Spans:
    """Cleans spans; called for every row before it reaches the terminal."""
    if all(text.isprintable() for text, _ in spans):
        return spans
    return tuple((clean(text), role) for text, role in spans)


def without_controls(text: str) -> str:
    """Replaces control characters without changing the width."""
    return text if text.isprintable() else CONTROL.sub("", _TURNED.sub("", text))


NARROW = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0373\u2010-\u2027\u2030-\u205e\u2190-\u2319\u2500-\u25fc\u2713\u2717]*"
)
"""Matches text whose characters all take one cell."""


def cells(text: str) -> int:
    return len(text) if text.isascii() or NARROW.fullmatch(text) else cell_len(text)


def cut(text: str, width: int, ellipsis: str) -> str:
    """Cuts a text to `width` cells, ending in the ellipsis if anything is missing."""
    if cells(text) <= width:
        return text
    if width <= len(ellipsis):
        return ellipsis[: max(0, width)]
    return set_cell_size(text, width - len(ellipsis)).rstrip() + ellipsis


def wrap(spans: Sequence[Span], width: int) -> list[Spans]:
    """Rows of at most `width` cells, broken at blanks if possible."""
    text = text_of(spans)
    if len(text) <= width and cells(text) <= width:
        return [tuple(spans)]
    return _cut_at(spans, _bounds(text, max(1, width)))


def _bounds(text: str, width: int) -> list[tuple[int, int]]:
    """Start and end of each row, without the blanks between rows."""
    return _narrow_bounds(text, width) if NARROW.fullmatch(text) else _wide_bounds(text, width)


def _narrow_bounds(text: str, width: int) -> list[tuple[int, int]]:
    bounds = []
    start, length = 0, len(text)
    while length - start > width:
        end = text.rfind(" ", start + 1, start + width + 1)
        if end <= start or not text[start:end].strip():
            end = start + width
        bounds.append((start, end))
        start = end
        while start < length and text[start] == " ":
            start += 1
    if start < length or not bounds:
        bounds.append((start, length))
    return bounds


def _wide_bounds(text: str, width: int) -> list[tuple[int, int]]:
    """Like _bounds, for characters of zero to two cells; may also break next to wide ones."""
    bounds = []
    start = 0
    while start < len(text):
        stop = start + max(1, _fitting(text, start, width))
        if stop < len(text):
            stop = _break(text, start, stop)
        row = text[start:stop]
        bounds.append((start, start + len(row.rstrip(" ") or row)))
        start = stop + len(text[stop:]) - len(text[stop:].lstrip(" "))
    return bounds


def _fitting(text: str, start: int, width: int) -> int:
    """The number of characters that fit into a row."""
    window = width
    while True:
        ends = list(accumulate(map(get_character_cell_size, text[start : start + window])))
        if ends[-1] > width or start + window >= len(text):
            return bisect_right(ends, width)
        window *= 2


def _break(text: str, start: int, stop: int) -> int:
    """The last possible break up to `stop`; `stop` if there is none."""
    for index in range(stop, start, -1):
        if (
            text[index] == " "
            or get_character_cell_size(text[index]) > 1
            or get_character_cell_size(text[index - 1]) > 1
        ):
            return index
    return stop


def _cut_at(spans: Sequence[Span], bounds: Sequence[tuple[int, int]]) -> list[Spans]:
    rows = []
    pieces = iter(spans)
    text, role = next(pieces, ("", StyleRole.TEXT))
    offset = 0  # of the current span in the whole text
    for start, end in bounds:
        row: list[Span] = []
        while True:
            part = text[max(0, start - offset) : end - offset]
            if part:
                row.append((part, role))
            if offset + len(text) >= end:
                break
            offset += len(text)
            text, role = next(pieces)
        rows.append(tuple(row))
    return rows
