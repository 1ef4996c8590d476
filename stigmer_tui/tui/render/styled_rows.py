"""Rows of text whose spans say what they are, not how they look: one drawing serves every theme."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag, auto
from typing import NamedTuple


class StyleRole(IntFlag):
    """What a span is. Inks combine; each is a component class of the widget, named after it (`entry--muted`)."""

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
    """One row of the screen, as wide as its text or narrower than its place."""

    spans: Spans
    fill: StyleRole = StyleRole.TEXT
    """What the rest of the row is filled with."""

    @property
    def text(self) -> str:
        return text_of(self.spans)


EMPTY_ROW = Row(())


def text_of(spans: Iterable[Span]) -> str:
    return "".join([text for text, _ in spans])
