"""Two runs, compared: figures, steps side by side, and how what came of them differs."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.render.difference_lines import difference_rows
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import muted
from stigmer_tui.tui.render.styled_rows import Row, StyleRole
from stigmer_tui.tui.screens.full_screen import FullScreen
from stigmer_tui.tui.screens.side_by_side import SideBySideScreen
from stigmer_tui.tui.widgets.scrolled_rows import ScrolledRows
from stigmer_tui.workbench.comparison_lines import comparison_lines
from stigmer_tui.workbench.differences import DifferenceLine, LineKind
from stigmer_tui.workbench.model import Run
from stigmer_tui.workbench.run_comparison import Comparison
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.side_by_side import ComparedRun

MARGIN = 3
"""Columns that the list takes for itself."""


class ComparisonScreen(FullScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.COMPARISON)

    AUTO_FOCUS = "#difference-lines"

    def __init__(self, session: Session, first: Run, second: Run, glyphs: Glyphs, clock: Clock) -> None:
        super().__init__(glyphs)
        self._session = session
        self._runs = (first, second)
        self._clock = clock
        self._comparison: Comparison | None = None
        self._problem = ""

    def body(self) -> ComposeResult:
        yield ScrolledRows(self._glyphs, id="difference-lines")

    def on_mount(self) -> None:
        first, second = (f"{self._glyphs.states[run.state]} {one_line(run.resource)}" for run in self._runs)
        self.show_header(Row(((f" {first} ⇄ {second}", StyleRole.STRONG), *muted("  what differs in the second"))))
        self.run_worker(self._compare(), exclusive=True)
        self.draw()

    def draw(self) -> None:
        if self._comparison:
            lines = list(comparison_lines(self._comparison, self.size.width - MARGIN))
        else:
            lines = [DifferenceLine(LineKind.TITLE, self._problem or "Reading both runs …")]
        self.query_one(ScrolledRows).fill(difference_rows(lines))

    async def action_side_by_side(self) -> None:
        sides = tuple(map(ComparedRun, self._runs))
        await self.app.push_screen(SideBySideScreen(self._session.side_by_side, sides, self._glyphs, self._clock))

    async def _compare(self) -> None:
        try:
            self._comparison = await self._session.history.compare(*self._runs)
        except StigmerError as error:
            self._problem = str(error)
        self.draw()
