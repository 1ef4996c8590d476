"""What an unfolded entry shows below its first row."""

from __future__ import annotations

import json
from typing import Any

from stigmer_tui.tui.render.clean import clean_lines
from stigmer_tui.tui.render.head import is_short
from stigmer_tui.tui.render.ink import Ink
from stigmer_tui.tui.render.pieces import CutLines, Lines, Piece
from stigmer_tui.tui.render.values import value_lines
from stigmer_tui.workbench.entries import Call, Ending, Entry, Step
from stigmer_tui.workbench.model import State

PIECE_SIZE = 40
"""Lines of a long text or value that are drawn together."""

LONGEST_LINE = 4000
"""Characters. What goes on longer without an end goes on in a new row."""

LONGEST_JSON = 200_000
"""Characters. A longer result is shown as the text that it is."""


def details(entry: Entry) -> list[Piece]:
    """An error first, then sections, each under its name."""
    match entry:
        case Step(task=task):
            return _sections(_text(task.error, Ink.FAILED), input=_value(task.input), output=_value(task.output))
        case Call(call=call):
            arguments = _value(call.arguments or None)
            error = [] if is_short(call.error) else _text(call.error, Ink.FAILED)
            return _sections(error, arguments=arguments, result=_result(call.result))
        case Ending():
            ink = Ink.FAILED if entry.state is State.FAILED else Ink.TEXT
            return [*_text(entry.error, ink), *_value(entry.output)]
        case _:
            return []


def has_details(entry: Entry) -> bool:
    match entry:
        case Step(task=task):
            return bool(task.error) or task.input is not None or task.output is not None
        case Call(call=call):
            return bool(call.error or call.arguments or call.result)
        case Ending():
            return bool(entry.error) or entry.output is not None
        case _:
            return False


def _sections(pieces: list[Piece], **sections: list[Piece]) -> list[Piece]:
    for name, body in sections.items():
        if body:
            pieces += [Lines((name,), Ink.MUTED, has_gap=bool(pieces)), *body]
    return pieces


def _text(text: str, ink: Ink) -> list[Piece]:
    if not text:
        return []
    lines = [
        line[start : start + LONGEST_LINE]
        for line in clean_lines(text.strip("\n"))
        for start in range(0, max(1, len(line)), LONGEST_LINE)
    ]
    return [Lines(tuple(lines[start : start + PIECE_SIZE]), ink) for start in range(0, len(lines), PIECE_SIZE)]


def _value(value: Any) -> list[Piece]:
    if value is None:
        return []
    lines = value_lines(value)
    return [CutLines(tuple(lines[start : start + PIECE_SIZE])) for start in range(0, len(lines), PIECE_SIZE)]


def _result(text: str) -> list[Piece]:
    """What a tool returned: a JSON object or list as such, everything else as lines."""
    if text[:1] in ("{", "[") and len(text) <= LONGEST_JSON:
        try:
            return _value(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return _text(text, Ink.TEXT)
