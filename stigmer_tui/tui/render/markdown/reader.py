"""Reads Markdown line by line: a line extends the open block or starts a new one."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace

from stigmer_tui.tui.render.blocks import Block
from stigmer_tui.tui.render.code import Code
from stigmer_tui.tui.render.markdown.prose import Prose
from stigmer_tui.tui.render.markdown.table import TablePart, cells_of, columns_of, is_delimiter

MAX_PROSE_LENGTH = 2000
"""Characters. A longer paragraph is drawn in stretches that begin on new rows."""

MAX_TABLE_LENGTH = 16
MAX_CODE_LENGTH = 32
MIN_CODE_LENGTH = 12
"""Lines, between which code is cut where something begins at the left edge."""

_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})\s*([^\s`{]*)")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r" {0,3}([-*_])(?: *\1){2,} *")
_ONLY_MARKS = re.compile(r"\s*(?:[-=*+#>`~_|:]+|\d+[.)]?)\s*")
_ITEM = re.compile(r"( *)([-*+]|\d{1,9}[.)])(?: +|$)")


@dataclass(frozen=True, slots=True)
class _Level:
    """A list that is open, as it stands in the text and on the screen."""

    marker: int
    """Characters before the markers of its items."""
    content: int
    """Characters before what its last item says."""
    column: int
    """Cells before what its items say."""
    number: int
    """Of its last item; 0 where items have none."""


@dataclass(frozen=True, slots=True)
class _Fence:
    mark: str
    indent: int


class Reader:
    """Takes lines, and closes pieces. Its state is of immutable parts, so that a copy is cheap."""

    def __init__(self) -> None:
        self.closed: list[Block] = []
        self._open: Prose | Code | TablePart | None = None
        self._fence: _Fence | None = None
        self._levels: tuple[_Level, ...] = ()
        self._has_begun = False
        self._has_gap = False
        self._is_within_line = False

    @property
    def is_in_code(self) -> bool:
        return self._fence is not None

    def awaits_more(self, line: str) -> bool:
        """Whether the beginning of a line is of signs that may yet become a marker."""
        if self._fence is None:
            return _ONLY_MARKS.fullmatch(line) is not None
        return bool(line.strip()) and not line.strip(f" {self._fence.mark[0]}")

    def fork(self) -> Reader:
        """A reader that goes on from here, without what is closed already."""
        twin = copy.copy(self)
        twin.closed = []
        return twin

    def finish(self, is_growing: bool) -> list[Block]:
        if is_growing and isinstance(self._open, Code):
            self._open = replace(self._open, is_open=True)
        self._close()
        return self.closed

    def read(self, text: str) -> None:
        """Reads a line, or the next part of one that is read in parts."""
        if self._is_within_line:
            self._read_stretch(text)
        elif self._fence is not None:
            self._read_code(text, self._fence)
        elif text.strip():
            self._read_line(text)
        else:
            self._close()
            self._has_gap = self._has_begun
        self._is_within_line = True

    def end_stretch(self) -> None:
        """The rest of the line is of another piece."""
        if self._fence is None:
            self._close()

    def end_line(self) -> None:
        self._is_within_line = False

    def _read_stretch(self, text: str) -> None:
        if self._fence is not None:
            self._add_code(text)
        elif text:
            self._start(Prose((text,), self._column, is_stretch=True))

    def _read_code(self, line: str, fence: _Fence) -> None:
        mark = line.strip()
        if mark.startswith(fence.mark) and not mark.strip(fence.mark[0]):
            self._fence = None
            self._close()
        else:
            indent = min(fence.indent, len(line) - len(line.lstrip(" ")))
            self._add_code(line[indent:])

    def _read_line(self, line: str) -> None:
        item = _ITEM.match(line)
        if item is not None and self._is_item(line, item):
            self._read_item(line, item)
        else:
            indent = len(line) - len(line.lstrip(" "))
            self._read_block(self._in_list(line, indent), indent)

    def _is_item(self, line: str, item: re.Match[str]) -> bool:
        if _RULE.fullmatch(line) or (len(item[1]) > 3 and not self._levels):
            return False
        if isinstance(self._open, Prose) and not self._levels:
            # In the middle of a paragraph a number at the beginning of a line is rarely that of an item.
            return item.end() < len(line) and (item[2] in "-*+" or item[2][:-1] == "1")
        return True

    def _read_item(self, line: str, item: re.Match[str]) -> None:
        levels = _levels_around(len(item[1]), self._levels)
        number = _number_of(item[2], self._levels[len(levels) :])
        marker = f"{number}{item[2][-1]}" if number else item[2]
        column = (levels[-1].column if levels else 0) + len(marker) + 1
        self._levels = (*levels, _Level(len(item[1]), item.end(), column, number))
        self._start(Prose((), column, marker))
        if rest := line[item.end() :]:
            self._read_block(rest, item.end())

    def _in_list(self, line: str, indent: int) -> str:
        """A line without the indentation that the lists around it ask for; those that it ends are closed."""
        if not self._levels:
            return line
        levels = _levels_around(indent, self._levels)
        if len(levels) < len(self._levels):
            text = line.lstrip(" ")
            if isinstance(self._open, Prose) and not _FENCE.match(text) and not _HEADING.match(text):
                return text
            self._close()
            self._levels = levels
        return line[min(indent, levels[-1].content) :] if levels else line

    def _read_block(self, line: str, indent: int) -> None:
        if fence := _FENCE.match(line):
            self._start(Code(fence[2], (), self._column))
            self._fence = _Fence(fence[1], indent)
        elif isinstance(self._open, Prose) and not self._open.lines:
            self._open = replace(self._open, lines=(line,))
        elif _HEADING.match(line) or (_RULE.fullmatch(line) and not isinstance(self._open, Prose)):
            self._start(Prose((line,), self._column))
            self._close()
        elif isinstance(self._open, TablePart) and "|" in line:
            self._add_table_row(self._open, line)
        elif isinstance(self._open, Prose):
            self._read_more(self._open, line)
        elif line.startswith("    ") and isinstance(self._open, Code):
            self._add_code(line[4:])
        elif line.startswith("    "):
            self._start(Code("", (line[4:],), self._column))
        else:
            self._start(Prose((line,), self._column))

    def _read_more(self, prose: Prose, line: str) -> None:
        """A line right below one of a paragraph, an item or a quotation."""
        if is_delimiter(line) and (columns := columns_of(prose.lines[-1], line)) is not None:
            self._open = None
            self._has_gap = prose.has_gap
            if len(prose.lines) > 1 or prose.marker:
                self._start(replace(prose, lines=prose.lines[:-1]))
            self._start(TablePart(columns, (), is_first=True, indent=self._column))
        elif prose.length + len(line) > MAX_PROSE_LENGTH or (line[0] == ">" and prose.lines[0][0] != ">"):
            self._start(Prose((line,), self._column))
        else:
            self._open = replace(prose, lines=(*prose.lines, line))

    def _add_code(self, line: str) -> None:
        code = self._open if isinstance(self._open, Code) else Code("", ())
        begins_something = line[:1].strip(" )]}") and code.lines and not code.lines[-1].strip()
        is_long = len(code.lines) >= MAX_CODE_LENGTH or sum(map(len, code.lines)) > MAX_PROSE_LENGTH
        if is_long or (begins_something and len(code.lines) >= MIN_CODE_LENGTH):
            self._start(Code(code.language, (line,), code.indent))
        else:
            self._open = replace(code, lines=(*code.lines, line))

    def _add_table_row(self, part: TablePart, line: str) -> None:
        row = cells_of(line, len(part.columns.header))
        if len(part.table_rows) >= MAX_TABLE_LENGTH:
            self._start(TablePart(part.columns, (row,), is_first=False, indent=part.indent))
            return
        rows = (*part.table_rows, row)
        columns = replace(part.columns, sample=rows) if part.is_first else part.columns
        self._open = replace(part, columns=columns, table_rows=rows)

    @property
    def _column(self) -> int:
        return self._levels[-1].column if self._levels else 0

    def _start(self, piece: Prose | Code | TablePart) -> None:
        self._close()
        self._open = replace(piece, has_gap=piece.has_gap or self._has_gap)
        self._has_begun, self._has_gap = True, False

    def _close(self) -> None:
        if self._open is not None:
            self.closed.append(self._open)
            self._open = None


def _levels_around(indent: int, levels: tuple[_Level, ...]) -> tuple[_Level, ...]:
    """The lists that something with this indentation is in. Two blanks are enough, even where a number is wider."""
    while levels and indent < levels[-1].marker + 2:
        levels = levels[:-1]
    return levels


def _number_of(marker: str, ended: tuple[_Level, ...]) -> int:
    """The number of an item, 0 where items have none. One that is repeated, as some people write lists, counts up."""
    if marker in "-*+":
        return 0
    number = int(marker[:-1])
    return max(number, ended[0].number + 1) if ended else number
