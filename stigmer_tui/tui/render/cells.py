"""Text measured in the cells of a terminal, and made harmless for it: how wide it is, where it is cut and wraps."""

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
"""Signs that change the direction of what follows or hide a text, and those that join or vary emoji: terminals
disagree on the width of the result, so its parts are shown instead."""


_TURNED = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(line: str) -> str:
    """One line without escape sequences, tabs, control characters and signs of no certain width.

    Of a line that was overwritten, as progress bars do it, what was written last.
    """
    if line.isprintable() and not _UNSEEN.search(line):
        return line
    line = ESCAPE_SEQUENCE.sub("", last_form(line)).expandtabs(TAB)
    return CONTROL.sub(visible, _UNSEEN.sub("", line))


def clean_lines(text: str) -> list[str]:
    return [clean(line) for line in text.split("\n")]


def one_line(text: str, limit: int = 500) -> str:
    """The beginning of a text, with every run of white space as one blank."""
    return clean(" ".join(text[: limit * 2].split()))[:limit]


def clean_spans(spans: Spans) -> Spans:
    """For the last place before the terminal, through which every row goes, whoever has made it."""
    if all(text.isprintable() for text, _ in spans):
        return spans
    return tuple((clean(text), ink) for text, ink in spans)


def without_controls(text: str) -> str:
    """The same in as many cells, for what has been laid out already."""
    return text if text.isprintable() else CONTROL.sub("", _TURNED.sub("", text))


NARROW = re.compile(
    "[ -~\xa0-\xac\xae-\u02ff\u0370-\u0373\u2010-\u2027\u2030-\u205e\u2190-\u2319\u2500-\u25fc\u2713\u2717]*"
)
"""Texts of which every character takes one cell, so that they are measured by their length."""


def cells(text: str) -> int:
    return len(text) if text.isascii() or NARROW.fullmatch(text) else cell_len(text)


def cut(text: str, width: int, ellipsis: str) -> str:
    """A text in no more cells than there are; what is cut off is an ellipsis."""
    if cells(text) <= width:
        return text
    if width <= len(ellipsis):
        return ellipsis[: max(0, width)]
    return set_cell_size(text, width - len(ellipsis)).rstrip() + ellipsis


def wrap(spans: Sequence[Span], width: int) -> list[Spans]:
    """Rows of at most `width` cells, broken at blanks where there are any."""
    text = text_of(spans)
    if len(text) <= width and cells(text) <= width:
        return [tuple(spans)]
    return _cut_at(spans, _bounds(text, max(1, width)))


def _bounds(text: str, width: int) -> list[tuple[int, int]]:
    """Start and end of each row in the text; the blanks at which it is broken are in none."""
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
    """As above where characters take none, one or two cells; next to those that take two it may break as well."""
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
    """How many characters fit into a row."""
    window = width
    while True:
        ends = list(accumulate(map(get_character_cell_size, text[start : start + window])))
        if ends[-1] > width or start + window >= len(text):
            return bisect_right(ends, width)
        window *= 2


def _break(text: str, start: int, stop: int) -> int:
    """The last place up to `stop` at which a row may end; there, if it may end nowhere."""
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
    text, ink = next(pieces, ("", StyleRole.TEXT))
    offset = 0  # of the current span in the whole text
    for start, end in bounds:
        row: list[Span] = []
        while True:
            part = text[max(0, start - offset) : end - offset]
            if part:
                row.append((part, ink))
            if offset + len(text) >= end:
                break
            offset += len(text)
            text, ink = next(pieces)
        rows.append(tuple(row))
    return rows
