"""The sidebar: how the daemon and the watch are doing."""

from __future__ import annotations

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.sidebar import SidebarFormat, sidebar_rows
from stigmer_tui.tui.widgets.inked import RowPanel
from stigmer_tui.workbench.state import WorkbenchState


class Sidebar(RowPanel):
    def __init__(self, *, clock: Clock, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._state = WorkbenchState()

    def update(self, state: WorkbenchState) -> None:
        """Shows a state, and how long ago things were."""
        self._state = state
        if self.display and self.content_size.width:
            self.show(sidebar_rows(state, SidebarFormat(self.content_size.width, self.glyphs, self._clock.now())))

    def on_resize(self) -> None:
        self.update(self._state)

    def on_show(self) -> None:
        self.update(self._state)
