"""Rows of spans with style roles instead of styles, independent of the theme."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag, auto
from typing import NamedTuple


class StyleRole(IntFlag):
    """The role of a span. Roles can be combined; each has a component class named after it (`entry--muted`)."""

    TEXT = 0
    CODE_BLOCK = auto()
    MUTED = auto()
    RUNNING = auto()
    WAITING = auto()
    COMPLETED = auto()
    FAILED = auto()
    KEYWORD = auto()
    NAME = auto()
    TEXT_VALUE = auto()
    NUMBER = auto()
    COMMENT = auto()
    CODE = auto()
    LINK = auto()
    HEADING = auto()
    STRONG = auto()
    EMPHASIS = auto()
    STRUCK = auto()
    RULE = auto()


Span = tuple[str, StyleRole]
Spans = tuple[Span, ...]


class Row(NamedTuple):
    """One row of the screen; may be narrower than its place."""

    spans: Spans
    fill: StyleRole = StyleRole.TEXT
    """The style role of the rest of the row."""

    @property
    def text(self) -> str:
        return text_of(self.spans)


EMPTY_ROW = Row(())


def text_of(spans: Iterable[Span]) -> str:
    return "".join([text for text, _ in spans])
