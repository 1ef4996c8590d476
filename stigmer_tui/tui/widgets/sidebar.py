"""The sidebar: daemon and watch."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.sidebar import SidebarFormat, sidebar_rows
from stigmer_tui.tui.render.styled_rows import Row
from stigmer_tui.tui.render.tests import test_rows
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.state import WorkbenchState


class Sidebar(RowPanel, can_focus=True):
    """Scrolls if it is higher than its place."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.SIDEBAR)

    def __init__(self, *, clock: Clock, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._state = WorkbenchState()
        self._top = 0

    def update(self, state: WorkbenchState) -> None:
        """Shows a state."""
        self._state = state
        if self.display and self.content_size.width:
            form = SidebarFormat(self.content_size.width, self.glyphs, self._clock.now(), self.has_focus)
            self.show(sidebar_rows(state, form))
            if self._top:
                # Rows may have moved, so repaint all of them.
                self.refresh()

    def row(self, y: int) -> Row:
        return super().row(y + self._top)

    async def on_click(self, event: events.Click) -> None:
        """On the tests, which stand at the end."""
        from_end = len(self.rows) - (event.y + self._top)
        if 0 < from_end <= len(list(test_rows(self._state.tests, self.content_size.width, self.glyphs))):
            await self.run_action("app.failed_test" if self._state.tests.failed else "app.run_tests")

    def on_resize(self) -> None:
        self.action_scroll_by(0)
        self.update(self._state)

    def on_show(self) -> None:
        self.update(self._state)

    def on_focus(self) -> None:
        self.update(self._state)

    def on_blur(self) -> None:
        self.update(self._state)

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll_by(1)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll_by(-1)

    def action_scroll_by(self, rows: int) -> None:
        top = max(0, min(self._top + rows, len(self.rows) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()
