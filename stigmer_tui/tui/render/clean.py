"""Text from outside, made harmless for a terminal: what reaches the screen moves no cursor and changes no colour."""

from __future__ import annotations

import re

from stigmer_tui.core.control_text import CONTROL, ESCAPE_SEQUENCE, last_form, visible
from stigmer_tui.tui.render.ink import Spans

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
