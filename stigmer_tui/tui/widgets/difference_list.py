"""Lines of a difference, in the colours of what they are; only what is visible is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.styled_rows import Row, StyleRole
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.differences import SIGNS, DifferenceLine, LineKind

ROLES = {
    LineKind.CONTEXT: StyleRole.TEXT,
    LineKind.ADDED: StyleRole.COMPLETED,
    LineKind.REMOVED: StyleRole.FAILED,
    LineKind.CHANGED: StyleRole.WAITING,
    LineKind.GAP: StyleRole.MUTED,
    LineKind.TITLE: StyleRole.STRONG,
}

STEP = 3
"""Rows for a turn of the wheel."""


class DifferenceList(RowPanel, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.DIFFERENCE_LINES)

    def __init__(self, glyphs: Glyphs, id: str) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._lines: Sequence[DifferenceLine] = ()
        self._top = 0

    def update(self, lines: Sequence[DifferenceLine]) -> None:
        self._lines = lines
        self.draw()

    def draw(self) -> None:
        height = self.size.height
        self._top = max(0, min(self._top, len(self._lines) - height))
        visible = self._lines[self._top : self._top + height]
        self.show([Row(((f" {SIGNS[line.kind]}{line.text}", ROLES[line.kind]),)) for line in visible])

    def on_resize(self) -> None:
        self.draw()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll(STEP)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll(-STEP)

    def action_scroll(self, rows: int) -> None:
        self._top += rows
        self.draw()

    def action_page(self, pages: int) -> None:
        self.action_scroll(pages * max(1, self.size.height - 1))

    def action_first(self) -> None:
        self.action_scroll(-self._top)

    def action_last(self) -> None:
        self.action_scroll(len(self._lines))
