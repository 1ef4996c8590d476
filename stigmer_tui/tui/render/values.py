"""JSON values as lines, with their colours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from stigmer_tui.tui.render.clean import clean
from stigmer_tui.tui.render.ink import Ink, Span, Spans, text_of

MOST_LINES = 2000
LONGEST_TEXT = 400
"""Characters of a text that are shown; a row is narrower than that."""

SHORT = 60
"""Characters of a list or an object that stands in one line."""

INDENT = "  "

DEEPEST = 40
"""Levels that are shown; what is deeper is only hinted at."""


def value_lines(value: Any) -> list[Spans]:
    """A value over as many lines as it takes, but no more than anybody reads."""
    lines = list(islice(_lines(value, "", (), ""), MOST_LINES + 1))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES] = (("more than is shown here: y copies all of it", Ink.MUTED),)
    return lines


def value_line(value: Any) -> Spans:
    """A value in one line, which may be long."""
    return (
        _short(value) if _is_flat(value) else ((clean(json.dumps(value, ensure_ascii=False, default=str)), Ink.TEXT),)
    )


def _lines(value: Any, indent: str, lead: Spans, tail: str) -> Iterator[Spans]:
    """Lines of a value that has something before it in its first line, and something after it in its last."""
    start: Spans = ((indent, Ink.TEXT), *lead) if indent else lead
    end: Spans = ((tail, Ink.MUTED),) if tail else ()
    if not isinstance(value, Mapping | list | tuple) or (_is_flat(value) and _is_short(value)):
        yield (*start, *_short(value), *end)
        return
    opening, closing = ("{", "}") if isinstance(value, Mapping) else ("[", "]")
    if len(indent) > DEEPEST * len(INDENT):
        yield (*start, (f"{opening} {len(value)} more {closing}{tail}", Ink.MUTED))
        return
    yield (*start, (opening, Ink.MUTED))
    deeper = indent + INDENT
    last = len(value) - 1
    if isinstance(value, Mapping):
        for index, (key, item) in enumerate(value.items()):
            yield from _lines(item, deeper, _key(key), "," if index < last else "")
    else:
        for index, item in enumerate(value):
            yield from _lines(item, deeper, (), "," if index < last else "")
    yield ((indent + closing + tail, Ink.MUTED),)


def _is_flat(value: Any) -> bool:
    if not isinstance(value, Mapping | list | tuple):
        return True
    items = value.values() if isinstance(value, Mapping) else value
    return len(value) < SHORT // 2 and not any(isinstance(item, Mapping | list | tuple) and item for item in items)


def _is_short(value: Any) -> bool:
    return len(text_of(_short(value))) <= SHORT


def _short(value: Any) -> Spans:
    """A scalar, or a list or an object of scalars."""
    spans: list[Span] = []
    match value:
        case Mapping():
            for key, item in value.items():
                spans += [*_comma(spans), *_key(key), *_short(item)]
            return (("{", Ink.MUTED), *spans, ("}", Ink.MUTED))
        case list() | tuple():
            for item in value:
                spans += [*_comma(spans), *_short(item)]
            return (("[", Ink.MUTED), *spans, ("]", Ink.MUTED))
        case str():
            return ((_quoted(value), Ink.TEXT_VALUE),)
        case bool() | None:
            return ((json.dumps(value), Ink.KEYWORD),)
        case int() | float():
            return ((json.dumps(value), Ink.NUMBER),)
        case _:
            return ((clean(str(value)), Ink.TEXT),)


def _comma(before: list[Span]) -> Spans:
    return ((", ", Ink.MUTED),) if before else ()


def _key(key: object) -> Spans:
    return ((_quoted(str(key)), Ink.NAME), (": ", Ink.MUTED))


def _quoted(text: str) -> str:
    return clean(json.dumps(text[:LONGEST_TEXT], ensure_ascii=False))
