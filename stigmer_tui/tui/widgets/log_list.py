"""The lines of the log screen: one row each, the selected one as a whole. Only what is visible is drawn."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message

from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.log_view import LogView
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.logs import detail_rows, log_row, no_line_rows
from stigmer_tui.tui.render.palette import RowBackground
from stigmer_tui.tui.render.styled_rows import Row
from stigmer_tui.tui.widgets.selected_rows import SelectedRows


class LogList(SelectedRows):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.LOG_LINES)

    class Moved(Message):
        """Another line is selected."""

    def __init__(self, view: LogView, *, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._view = view
        self._selected_rows = range(0)

    def draw(self) -> None:
        view, (width, height) = self._view, self.size
        line = view.selected_line
        if line is None:
            self._selected_rows = range(0)
            self.show_selected(no_line_rows(view, width) if view.is_read else [])
            return
        details = detail_rows(line, width)[: max(1, height)]
        view.fit(height, len(details))
        rows: list[Row] = []
        for number in range(view.top, min(len(view.lines), view.top + height)):
            if number == view.selected:
                self._selected_rows = range(len(rows), len(rows) + len(details))
                rows += details
            else:
                rows.append(log_row(view.lines[number]))
        self.show_selected(rows[:height])

    def background(self, y: int) -> RowBackground:
        if y not in self._selected_rows:
            return RowBackground.PLAIN
        return RowBackground.SELECTED if self.has_focus else RowBackground.BLURRED

    def on_click(self, event: events.Click) -> None:
        rows = self._selected_rows
        below = len(rows) - 1 if rows and event.y >= rows.stop else 0
        if event.y not in rows and event.y < len(self.rows):
            self._move_to(self._view.top + event.y - below)

    def action_move(self, step: int) -> None:
        self._move_to(self._view.selected + step)

    def action_page(self, pages: float) -> None:
        self.action_move(round(pages * self.size.height))

    def action_first(self) -> None:
        self._move_to(0)

    def action_last(self) -> None:
        """And follow."""
        self._move_to(len(self._view.lines) - 1)

    def _move_to(self, number: int) -> None:
        self._view.move(number - self._view.selected)
        self.draw()
        self.post_message(self.Moved())
