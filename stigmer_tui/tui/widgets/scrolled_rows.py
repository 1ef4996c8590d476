"""Rows of a long text, of which only what is visible is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.styled_rows import Row
from stigmer_tui.tui.widgets.themed_widget import RowPanel

STEP = 3
"""Rows for a turn of the wheel."""


class ScrolledRows(RowPanel, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.LINES)

    def __init__(self, glyphs: Glyphs, id: str) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._all: Sequence[Row] = ()
        self._top = 0

    @property
    def top(self) -> int:
        """The first visible row."""
        return self._top

    def fill(self, rows: Sequence[Row]) -> None:
        self._all = rows
        self.go_to(self._top)

    def go_to(self, row: int) -> None:
        """Shows the rows from this one on, or the last ones."""
        height = self.size.height
        self._top = max(0, min(row, len(self._all) - height))
        self.show(list(self._all[self._top : self._top + height]))

    def on_resize(self) -> None:
        self.go_to(self._top)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(STEP)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-STEP)

    def action_scroll(self, rows: int) -> None:
        self.go_to(self._top + rows)

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.go_to(0)

    def action_last(self) -> None:
        self.go_to(len(self._all))
