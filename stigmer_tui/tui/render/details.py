"""What an unfolded entry shows below its first row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from stigmer_tui.tui.render.cells import wrap
from stigmer_tui.tui.render.clean import clean_lines
from stigmer_tui.tui.render.head import is_short
from stigmer_tui.tui.render.ink import Ink, Row, text_of
from stigmer_tui.tui.render.pieces import Format, Lines, Piece, cut_spans, indented
from stigmer_tui.tui.render.values import ValueLine, value_lines
from stigmer_tui.workbench.entries import Call, Ending, Entry, Step, raw_arguments
from stigmer_tui.workbench.model import State

PIECE_SIZE = 40
"""Lines of a long text or value that are drawn together."""

LONGEST_LINE = 4000
"""Characters. What goes on longer without an end goes on in a new row."""

LONGEST_JSON = 200_000
"""Characters. A longer result is shown as the text that it is."""


@dataclass(frozen=True, slots=True)
class ValueLines:
    """Lines of a value: those of a text wrap below their beginning, all others are cut."""

    lines: tuple[ValueLine, ...]
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        return [row for line in self.lines for row in self._rows(line, form)]

    def guess(self, width: int) -> int:
        return sum(1 + (len(text_of(line.spans)) // width if line.is_text else 0) for line in self.lines)

    def _rows(self, line: ValueLine, form: Format) -> list[Row]:
        if not line.is_text:
            return [Row(cut_spans(line.spans, form.width, form.glyphs.ellipsis))]
        indent, *text = line.spans
        rows = [Row(spans) for spans in wrap(text, max(1, form.width - len(indent[0])))]
        return indented(rows, (indent,), (indent,))


def details(entry: Entry) -> list[Piece]:
    """An error first, then sections, each under its name."""
    match entry:
        case Step(task=task):
            return _sections(plain_text(task.error, Ink.FAILED), input=_value(task.input), output=_value(task.output))
        case Call(call=call):
            raw = raw_arguments(call)
            arguments = plain_text(raw, Ink.TEXT) if raw is not None else _value(call.arguments or None)
            error = [] if is_short(call.error) else plain_text(call.error, Ink.FAILED)
            return _sections(error, arguments=arguments, result=_result(call.result))
        case Ending():
            ink = Ink.FAILED if entry.state is State.FAILED else Ink.TEXT
            return [*plain_text(entry.error, ink), *_value(entry.output)]
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


def plain_text(text: str, ink: Ink) -> list[Piece]:
    """A text as it is, in pieces that are drawn one by one."""
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
    return [ValueLines(tuple(lines[start : start + PIECE_SIZE])) for start in range(0, len(lines), PIECE_SIZE)]


def _result(text: str) -> list[Piece]:
    """What a tool returned: a JSON object or list as such, everything else as lines."""
    if text[:1] in ("{", "[") and len(text) <= LONGEST_JSON:
        try:
            return _value(json.loads(text))
        except (ValueError, RecursionError):
            pass
    return plain_text(text, Ink.TEXT)
