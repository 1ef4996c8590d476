"""Draws JSON values as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple, TypeGuard

from stigmer_tui.tui.render.cells import clean, clean_lines
from stigmer_tui.tui.render.styled_rows import Span, Spans, StyleRole, text_of

MAX_LINES = 2000
MAX_TEXT_LENGTH = 400
"""Characters of a string that are shown."""

SHORT = 60
"""Characters of a list or an object that fits in one line."""

INDENT = "  "

MAX_DEPTH = 40
"""Levels that are shown; deeper ones are elided."""


class ValueLine(NamedTuple):
    spans: Spans
    is_text: bool = False
    """Whether it is a line of text, which wraps; other lines are cut."""


def value_lines(value: object) -> list[ValueLine]:
    """A value over several lines, within the limits above.

    A multi-line string is shown as text below its key.
    """
    lines = list(islice(_lines(value, "", (), ""), MAX_LINES + 1))
    if len(lines) > MAX_LINES:
        lines[MAX_LINES] = ValueLine((("more than is shown here: y copies all of it", StyleRole.MUTED),))
    return lines


def value_line(value: object) -> Spans:
    """A value in one line of any length."""
    return (
        _short(value)
        if _is_flat(value)
        else ((clean(json.dumps(value, ensure_ascii=False, default=str)), StyleRole.TEXT),)
    )


def _lines(value: object, indent: str, lead: Spans, tail: str) -> Iterator[ValueLine]:
    """Lines of a value between a lead in the first line and a tail in the last one."""
    start: Spans = ((indent, StyleRole.TEXT), *lead) if indent else lead
    end: Spans = ((tail, StyleRole.MUTED),) if tail else ()
    if _is_text(value):
        if lead:
            yield ValueLine((*start[:-1], (":", StyleRole.MUTED)))
        inner = indent + INDENT if indent else ""
        yield from (
            ValueLine(((inner, StyleRole.TEXT), (line, StyleRole.TEXT)), is_text=True) for line in clean_lines(value)
        )
        return
    if not isinstance(value, Mapping | list | tuple) or (_is_flat(value) and _is_short(value)):
        yield ValueLine((*start, *_short(value), *end))
        return
    opening, closing = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
    if len(indent) > MAX_DEPTH * len(INDENT):
        yield ValueLine((*start, (f"{opening} {len(value)} more {closing}{tail}", StyleRole.MUTED)))
        return
    yield ValueLine((*start, (opening, StyleRole.MUTED)))
    deeper = indent + INDENT
    last = len(value) - 1
    if isinstance(value, Mapping):
        for index, (key, item) in enumerate(value.items()):
            yield from _lines(item, deeper, _key(key), "," if index < last else "")
    else:
        for index, item in enumerate(value):
            yield from _lines(item, deeper, (), "," if index < last else "")
    yield ValueLine(((indent + closing + tail, StyleRole.MUTED),))


def _is_text(value: object) -> TypeGuard[str]:
    """Whether it is a multi-line string."""
    return isinstance(value, str) and "\n" in value.strip("\n")


def _is_flat(value: object) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return len(value) < SHORT // 2 and not any(
        (isinstance(item, Mapping | list | tuple) and item) or _is_text(item) for item in items
    )


def _is_short(value: object) -> bool:
    return len(text_of(_short(value))) <= SHORT


def _short(value: object) -> Spans:
    """A scalar, or a list or an object of scalars."""
    spans: list[Span] = []
    match value:
        case Mapping():
            for key, item in value.items():
                spans += [*_comma(spans), *_key(key), *_short(item)]
            return (("{", StyleRole.MUTED), *spans, ("}", StyleRole.MUTED))
        case list() | tuple():
            for item in value:
                spans += [*_comma(spans), *_short(item)]
            return (("[", StyleRole.MUTED), *spans, ("]", StyleRole.MUTED))
        case str():
            return ((_quoted(value), StyleRole.TEXT_VALUE),)
        case bool() | None:
            return ((json.dumps(value), StyleRole.KEYWORD),)
        case int() | float():
            return ((json.dumps(value), StyleRole.NUMBER),)
        case _:
            return ((clean(str(value)), StyleRole.TEXT),)


def _comma(before: list[Span]) -> Spans:
    return ((", ", StyleRole.MUTED),) if before else ()


def _key(key: object) -> Spans:
    return ((_quoted(str(key)), StyleRole.NAME), (": ", StyleRole.MUTED))


def _quoted(text: str) -> str:
    return clean(json.dumps(text[:MAX_TEXT_LENGTH], ensure_ascii=False))
