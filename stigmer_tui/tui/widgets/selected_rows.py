"""Rows of which one thing is selected: it is moved by keys and the wheel, and looks different without the focus."""

from __future__ import annotations

from stigmer_tui.tui.render.styled_rows import Row
from stigmer_tui.tui.widgets.themed_widget import RowPanel

STEP = 3
"""Things for a turn of the wheel."""


class SelectedRows(RowPanel, can_focus=True):
    def draw(self) -> None:
        raise NotImplementedError

    def action_move(self, step: int) -> None:
        raise NotImplementedError

    def on_resize(self) -> None:
        self.draw()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_mouse_scroll_down(self) -> None:
        self.action_move(STEP)

    def on_mouse_scroll_up(self) -> None:
        self.action_move(-STEP)

    def show_selected(self, rows: list[Row]) -> None:
        """The selection may be elsewhere, though no row is another one."""
        self.show(rows)
        self.refresh()
