"""One entry as rows at one width: drawn piece by piece when they are looked at, and remembered until they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from textual.strip import Strip

from stigmer_tui.core.units import plural
from stigmer_tui.tui.render.blocks import Block, CutLineBlock, Format, LineBlock, draw, with_cursor
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.render.entry_details import details, plain_text, running_output
from stigmer_tui.tui.render.entry_heading import (
    Head,
    elapsed_text,
    indent_at,
    name_column,
    speaker,
    state_of,
    waiting_of,
)
from stigmer_tui.tui.render.palette import RowBackground
from stigmer_tui.tui.render.styled_rows import Row, Spans, StyleRole
from stigmer_tui.workbench.entries import Entry, MessageEntry
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Role

if TYPE_CHECKING:
    from stigmer_tui.tui.render.markdown.splitter import Splitter

BAR_WIDTH = 2


@dataclass(frozen=True, slots=True)
class Drawn:
    """The rows of a piece, and the strips that the screen has made of them, by row, background and scroll bar."""

    rows: list[Row]
    strips: dict[tuple[int, RowBackground, bool], Strip] = field(default_factory=dict)

    def instead_of(self, former: Drawn) -> Drawn:
        """The same with the strips of those rows that are as they were."""
        same = {row for row, (old, new) in enumerate(zip(former.rows, self.rows, strict=False)) if old == new}
        return Drawn(self.rows, {key: strip for key, strip in former.strips.items() if key[0] in same})


@dataclass(frozen=True, slots=True)
class _Shown:
    """What the rows of an entry depend on."""

    entry: Entry
    is_unfolded: bool
    elapsed: str
    waiting: Spans
    form: Format

    @classmethod
    def of(cls, entry: Entry, is_unfolded: bool, form: Format, now: datetime) -> _Shown:
        return cls(entry, is_unfolded, elapsed_text(entry, now, form.glyphs.ellipsis), waiting_of(entry, now), form)

    @property
    def is_growing(self) -> bool:
        return isinstance(self.entry, MessageEntry) and self.entry.is_growing

    @property
    def bar_role(self) -> StyleRole:
        if self.is_growing:
            return StyleRole.RUNNING
        return StyleRole.FAILED if state_of(self.entry) is RunState.FAILED else StyleRole.MUTED


class EntryView:
    def __init__(self, entry: Entry, is_unfolded: bool, form: Format, now: datetime) -> None:
        self.pieces: list[Block] = []
        self.heights: list[int] = []
        """Rows of each piece: a guess until it is drawn."""
        self.height = 0
        self._drawn: list[Drawn | None] = []
        self._former: dict[int, Drawn] = {}
        """What was drawn of the pieces that were replaced last."""
        self._splitter: Splitter | None = None
        self._text = ""
        self._settled = 0
        """How many of the pieces stay as they are while a text grows."""
        self._shown = _Shown.of(entry, is_unfolded, form, now)
        self._show()

    @property
    def entry(self) -> Entry:
        return self._shown.entry

    @property
    def is_running(self) -> bool:
        """Whether time passes for it."""
        return state_of(self.entry) in (RunState.RUNNING, RunState.WAITING)

    def update(self, entry: Entry, is_unfolded: bool, form: Format, now: datetime) -> None:
        """Shows the entry as it is now; what did not change stays drawn."""
        before, after = self._shown, _Shown.of(entry, is_unfolded, form, now)
        if before == after:
            return
        self._shown = after
        if before.form != after.form or before.bar_role != after.bar_role:
            self._drawn = [None] * len(self._drawn)
        if before.is_unfolded != after.is_unfolded:
            self._keep(0)
        self._show()

    def draw(self, number: int) -> Drawn:
        """A piece; from now on its height is known."""
        drawn = self._drawn[number]
        if drawn is None:
            form = self._shown.form.narrowed(self._indent + (BAR_WIDTH if number else 0))
            rows = draw(self.pieces[number], form)
            if self._shown.is_growing and number == len(self.pieces) - 1:
                rows = with_cursor(rows, form)
            drawn = Drawn(rows)
            if (former := self._former.get(number)) is not None:
                drawn = drawn.instead_of(former)
            self._drawn[number] = drawn
            self.height += len(rows) - self.heights[number]
            self.heights[number] = len(rows)
        return drawn

    def margin(self, number: int) -> Spans:
        """What stands before each row of a piece."""
        indent = (" " * self._indent, StyleRole.TEXT)
        return (indent, (f"{self._shown.form.glyphs.bar} ", self._shown.bar_role)) if number else (indent,)

    @property
    def _indent(self) -> int:
        return indent_at(self.entry.depth, self._shown.form.width)

    def _show(self) -> None:
        entry, is_unfolded = self.entry, self._shown.is_unfolded
        if isinstance(entry, MessageEntry):
            if is_unfolded:
                self._show_text(entry)
            else:
                self._replace([speaker(entry), _first_line(entry)])
        else:
            name_width = name_column(self._shown.form.width) - self._indent
            head = Head(entry, is_unfolded, self._shown.elapsed, name_width, self._shown.waiting)
            self._replace([head, *(details(entry) if is_unfolded else running_output(entry))])

    def _show_text(self, speech: MessageEntry) -> None:
        """At a cost that does not depend on how much was said before."""
        text, head = speech.message.text, speaker(speech)
        if speech.message.is_reasoning:
            self._replace([head, *plain_text(text.strip("\n"), StyleRole.MUTED)])
            return
        if speech.message.role is Role.HUMAN:
            # As it was typed: a person's line breaks are meant.
            files = "\n".join(f"+ {file}" for file in speech.message.files)
            self._replace([head, *plain_text(text.strip("\n"), StyleRole.TEXT), *plain_text(files, StyleRole.MUTED)])
            return
        if self._splitter is None or not text.startswith(self._text) or head not in self.pieces[:1]:
            # Markdown is loaded when somebody says something.
            from stigmer_tui.tui.render.markdown.splitter import Splitter

            self._splitter, self._text = Splitter(), ""
            self._keep(0)
            self._add([head])
        self._splitter.extend(text[len(self._text) :])
        self._text = text
        self._keep(max(1, self._settled))
        self._add(self._splitter.closed[len(self.pieces) - 1 :])
        self._settled = len(self.pieces)
        self._add(self._splitter.open(speech.is_growing) or [LineBlock(("",))])

    def _replace(self, pieces: Sequence[Block]) -> None:
        same = 0
        while same < min(len(pieces), len(self.pieces)) and pieces[same] == self.pieces[same]:
            same += 1
        self._keep(same)
        self._add(pieces[same:])

    def _keep(self, count: int) -> None:
        """Takes away all pieces but the first ones."""
        self._former = {index: drawn for index, drawn in enumerate(self._drawn[count:], count) if drawn is not None}
        self._settled = min(self._settled, count)
        self.height -= sum(self.heights[count:])
        del self.pieces[count:], self.heights[count:], self._drawn[count:]

    def _add(self, pieces: Sequence[Block]) -> None:
        width = self._shown.form.width
        heights = [piece.guess(width) + piece.has_gap for piece in pieces]
        self.pieces += pieces
        self.heights += heights
        self.height += sum(heights)
        self._drawn += [None] * len(pieces)


def _first_line(speech: MessageEntry) -> Block:
    lines = speech.message.text.strip().split("\n")
    role = StyleRole.MUTED if speech.message.is_reasoning else StyleRole.TEXT
    return CutLineBlock((((one_line(lines[0]), role), (f"  {plural(len(lines), 'line')}", StyleRole.MUTED)),))
