"""Tables. Their columns are measured on the first rows, so that a table of any length can be drawn in parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from stigmer_tui.tui.render.blocks import Format, cut_spans
from stigmer_tui.tui.render.cells import cells, wrap
from stigmer_tui.tui.render.markdown.inline import inline
from stigmer_tui.tui.render.styled_rows import Row, Span, Spans, StyleRole, text_of

SPACE = 2
"""Cells between columns."""

MIN_COLUMN_WIDTH = 4
"""Cells of a column that has to give way."""

_DELIMITER = re.compile(r" {0,3}\|?(?: *:?-+:? *\|)* *:?-+:? *\|? *")
_BORDER = re.compile(r"(?<!\\)\|")

TableCells = tuple[str, ...]


class Align(Enum):
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class Columns:
    header: TableCells
    aligns: tuple[Align, ...]
    sample: tuple[TableCells, ...] = ()
    """The rows that the columns are measured on, besides the header."""

    def widths(self, available: int) -> list[int]:
        natural = [
            max(max(map(cells, map(text_of, inline(row[column])))) for row in (self.header, *self.sample))
            for column in range(len(self.header))
        ]
        return fitted([max(1, width) for width in natural], available - SPACE * (len(natural) - 1))


@dataclass(frozen=True, slots=True)
class TablePart:
    columns: Columns
    table_rows: tuple[TableCells, ...]
    is_first: bool
    """Whether the header stands above."""
    indent: int = 0
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        inner = form.narrowed(self.indent)
        widths = self.columns.widths(inner.width)
        rows: list[Spans] = []
        if self.is_first:
            rule = (" " * SPACE).join(form.glyphs.rule * width for width in widths)
            rows += [*self._row(self.columns.header, widths, StyleRole.STRONG), ((rule, StyleRole.MUTED),)]
        for row in self.table_rows:
            rows += self._row(row, widths, StyleRole.TEXT)
        margin = ((" " * self.indent, StyleRole.TEXT),) if self.indent else ()
        return [Row((*margin, *cut_spans(spans, inner.width, form.glyphs.ellipsis))) for spans in rows]

    def guess(self, width: int) -> int:
        return len(self.table_rows) + 2 * self.is_first

    def _row(self, row: TableCells, widths: Sequence[int], role: StyleRole) -> list[Spans]:
        """A row of the table is as high as its highest cell."""
        columns = [
            [spans for line in inline(cell, role) for spans in wrap(line, width)]
            for cell, width in zip(row, widths, strict=True)
        ]
        rows = []
        for number in range(max(map(len, columns))):
            spans: list[Span] = []
            for column, width, align in zip(columns, widths, self.columns.aligns, strict=True):
                if spans:
                    spans.append((" " * SPACE, StyleRole.TEXT))
                spans += _aligned(column[number] if number < len(column) else (), width, align)
            rows.append(tuple(spans))
        return rows


def is_delimiter(line: str) -> bool:
    """Whether a line, such as `|---|:-:|`, makes a table of the one above it."""
    return "-" in line and ("|" in line or ":" in line) and _DELIMITER.fullmatch(line) is not None


def columns_of(header: str, delimiter: str) -> Columns | None:
    """None when the two lines have not the same number of cells, and so are no table (GFM 4.10)."""
    names, marks = cells_of(header), cells_of(delimiter)
    if len(names) != len(marks):
        return None
    return Columns(names, tuple(map(_align, marks)))


def cells_of(line: str, count: int | None = None) -> TableCells:
    """The cells of a row; of `count` cells, when it is given, whether there were more or fewer."""
    found = [cell.strip().replace("\\|", "|") for cell in _BORDER.split(line.strip())]
    if found and not found[0]:
        found = found[1:]
    if len(found) > 1 and not found[-1]:
        found = found[:-1]
    if count is not None:
        found = [*found, *[""] * (count - len(found))][:count]
    return tuple(found)


def fitted(natural: Sequence[int], available: int) -> list[int]:
    """Widths of columns that do not take more than there is: the widest give way first."""
    widths = list(natural)
    excess = sum(widths) - available
    while excess > 0:
        widest = max(widths)
        if widest <= MIN_COLUMN_WIDTH:
            break
        columns = [index for index, width in enumerate(widths) if width == widest]
        second = max([MIN_COLUMN_WIDTH, *[width for width in widths if width < widest]])
        step = min(widest - second, -(-excess // len(columns)))
        for index in columns:
            widths[index] -= min(step, excess)
            excess -= min(step, excess)
    return widths


def _align(mark: str) -> Align:
    match mark.startswith(":"), mark.endswith(":"):
        case True, True:
            return Align.CENTER
        case False, True:
            return Align.RIGHT
        case _:
            return Align.LEFT


def _aligned(spans: Spans, width: int, align: Align) -> Spans:
    space = width - cells(text_of(spans))
    if space <= 0:
        return spans
    left = {Align.LEFT: 0, Align.CENTER: space // 2, Align.RIGHT: space}[align]
    padded = ((" " * left, StyleRole.TEXT), *spans, (" " * (space - left), StyleRole.TEXT))
    return tuple(span for span in padded if span[0])
