"""What an entry is drawn from: pieces, each small enough to be drawn within a frame, and drawn only when it is seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stigmer_tui.tui.render.cells import cells, cut, wrap
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Span, Spans, StyleRole, text_of


@dataclass(frozen=True, slots=True)
class Format:
    """What rows depend on besides their text."""

    width: int
    """Cells there are for a row."""
    glyphs: Glyphs

    def narrowed(self, indent: int) -> Format:
        return Format(max(1, self.width - indent), self.glyphs)


class Block(Protocol):
    @property
    def has_gap(self) -> bool:
        """Whether there is an empty row above, if anything is."""

    def rows(self, form: Format) -> list[Row]: ...

    def guess(self, width: int) -> int:
        """About how many rows it will have."""


def draw(piece: Block, form: Format) -> list[Row]:
    rows = piece.rows(form)
    return [EMPTY_ROW, *rows] if piece.has_gap and rows else rows


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Plain text; long lines wrap."""

    lines: tuple[str, ...]
    role: StyleRole = StyleRole.TEXT
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        return [Row(spans) for line in self.lines for spans in wrap(((line, self.role),), form.width)]

    def guess(self, width: int) -> int:
        return sum(1 + len(line) // width for line in self.lines)


@dataclass(frozen=True, slots=True)
class CutLineBlock:
    """Lines of spans; what is too long for a row is cut."""

    lines: tuple[Spans, ...]
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        return [Row(cut_spans(line, form.width, form.glyphs.ellipsis)) for line in self.lines]

    def guess(self, width: int) -> int:
        return len(self.lines)


def cut_spans(spans: Spans, width: int, ellipsis: str) -> Spans:
    """Spans in no more cells than there are; the last one may end in an ellipsis."""
    if cells(text_of(spans)) <= width:
        return spans
    kept: list[Span] = []
    for text, role in spans:
        size = cells(text)
        if size > width - len(ellipsis):
            kept.append((cut(text + " " * len(ellipsis), width, ellipsis), role))
            break
        kept.append((text, role))
        width -= size
    return tuple(kept)


def with_cursor(rows: list[Row], form: Format) -> list[Row]:
    """Rows of a text that grows, with a cursor where it does."""
    cursor: Span = (form.glyphs.cursor, StyleRole.RUNNING)
    last = rows[-1] if rows else EMPTY_ROW
    if cells(last.text) < form.width:
        return [*rows[:-1], Row((*last.spans, cursor), last.fill)]
    return [*rows, Row((cursor,))]


def indented(rows: list[Row], first: Spans, rest: Spans) -> list[Row]:
    """Rows behind a margin, of which the first row has its own."""
    return [Row((*(rest if index else first), *row.spans), row.fill) for index, row in enumerate(rows)]
