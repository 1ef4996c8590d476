"""Runs that were found, one below the other; only what is visible is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import muted
from stigmer_tui.tui.render.palette import RowBackground
from stigmer_tui.tui.render.run_table import row_count, run_rows
from stigmer_tui.tui.render.styled_rows import Row
from stigmer_tui.tui.widgets.selected_rows import SelectedRows
from stigmer_tui.workbench.model import Run
from stigmer_tui.workbench.run_query import FoundRun


class RunTable(SelectedRows):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.RUN_TABLE)

    class Opened(Message):
        """The selected run was clicked once more."""

    def __init__(self, glyphs: Glyphs, clock: Clock, id: str) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._found: Sequence[FoundRun] = ()
        self._marked: frozenset[str] = frozenset()
        self._nothing = ""
        self._selected = 0
        self._top = 0
        """The first row in the window."""
        self._places: list[int] = []
        """The run of each row, by its number."""

    @property
    def selected(self) -> Run | None:
        return self._found[self._selected].run if self._found else None

    def update(self, found: Sequence[FoundRun], marked: frozenset[str], nothing: str) -> None:
        """`nothing` stands where there are none. The selection stays on its run."""
        before = self.selected
        self._found, self._marked, self._nothing = found, marked, nothing
        ids = [each.run.id for each in found]
        kept = ids.index(before.id) if before and before.id in ids else self._selected
        self._selected = max(0, min(kept, len(found) - 1))
        self.draw()

    def draw(self) -> None:
        if not self._found:
            self._places = []
            self.show_selected([Row(muted(f"  {self._nothing}"))])
            return
        height = self.size.height
        places = self._places = [number for number, found in enumerate(self._found) for _ in range(row_count(found))]
        first = places.index(self._selected)
        last = first + row_count(self._found[self._selected])
        self._top = max(0, min(self._top, first, len(places) - height), last - height)
        visible = places[self._top : self._top + height]
        rows = [row for number in dict.fromkeys(visible) for row in self._rows_of(number)]
        hidden = self._top - places.index(visible[0]) if visible else 0
        self.show_selected(rows[hidden : hidden + height])

    def _rows_of(self, number: int) -> list[Row]:
        found = self._found[number]
        is_selected, is_marked = number == self._selected, found.run.id in self._marked
        return run_rows(found, is_selected, is_marked, self.size.width, self.glyphs, self._clock.now())

    def background(self, y: int) -> RowBackground:
        place = self._top + y
        if place >= len(self._places) or self._places[place] != self._selected:
            return RowBackground.PLAIN
        return RowBackground.SELECTED if self.has_focus else RowBackground.BLURRED

    def on_click(self, event: events.Click) -> None:
        place = self._top + event.y
        if place < len(self._places):
            was_selected = self._places[place] == self._selected
            self._move_to(self._places[place])
            if was_selected:
                self.post_message(self.Opened())

    def action_move(self, step: int) -> None:
        self._move_to(self._selected + step)

    def action_page(self, pages: int) -> None:
        self.action_move(pages * max(1, self.size.height // 2))

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        self._move_to(len(self._found) - 1)

    def _move_to(self, number: int) -> None:
        self._selected = max(0, min(number, len(self._found) - 1))
        self.draw()
