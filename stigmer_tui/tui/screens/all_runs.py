"""All that the project defines, run at the same time: a grid of cells, or a list where the window is narrow."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.run_grid import CELL_HEIGHT, columns_of, grid_header, grid_rows
from stigmer_tui.tui.screens.full_screen import LiveScreen
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, RunState
from stigmer_tui.workbench.run_group import RunAllIntents, RunGroup
from stigmer_tui.workbench.run_progress import RunProgress

MAX_UNASKED = 10
"""More runs than this are started only when a person says so."""


class AllRunsScreen(LiveScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.ALL_RUNS)

    AUTO_FOCUS = "#run-grid"

    class Chosen(Message):
        """A run is to be shown."""

        def __init__(self, execution: Execution, resource: Resource) -> None:
            super().__init__()
            self.execution = execution
            self.resource = resource

    def __init__(self, intents: RunAllIntents, glyphs: Glyphs, clock: Clock) -> None:
        super().__init__(glyphs)
        self._intents = intents
        self._group = intents.group()
        self._clock = clock

    def body(self) -> ComposeResult:
        yield RunGrid(self._group, self._glyphs, self._clock, id="run-grid")

    @property
    def is_live(self) -> bool:
        return not self._group.is_over

    def on_mount(self) -> None:
        self._group.changed = self.changed
        if not self._group.is_begun and len(self._group.runs) <= MAX_UNASKED:
            self._intents.begin(self._group)
        self.draw()

    def on_unmount(self) -> None:
        self._group.changed = lambda: None

    def action_open(self) -> None:
        """The selected run; or starts all, where that was not done yet."""
        run = self.query_one(RunGrid).selected
        if not self._group.is_begun:
            self._intents.begin(self._group)
            self.draw()
        elif run and run.execution:
            self.app.post_message(self.Chosen(run.execution, run.resource))
            self.dismiss(None)

    def action_cancel(self) -> None:
        if run := self.query_one(RunGrid).selected:
            self._intents.cancel(run, "cancelled by the user")

    def draw(self) -> None:
        group = self._group
        self.query_one(RunGrid).draw()
        self.show_header(grid_header(group.runs, group.is_begun, self.size.width, self._glyphs))


class RunGrid(RowPanel, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.RUN_GRID)

    def __init__(self, group: RunGroup, glyphs: Glyphs, clock: Clock, id: str) -> None:  # noqa: A002
        super().__init__(glyphs=glyphs, id=id)
        self._group = group
        self._clock = clock
        self.selected = next(iter(group.runs), None)
        self._top = 0

    def draw(self) -> None:
        width, height = self.size
        runs = self._ordered
        selected = self._index
        rows = grid_rows(runs, selected, width, self.glyphs, self._clock.now())
        first, rows_of_it = self._rows_of(selected)
        self._top = max(0, min(self._top, first), first + rows_of_it - height)
        self.show(rows[self._top : self._top + height])

    @property
    def _ordered(self) -> list[RunProgress]:
        """What has failed comes first when all is done."""
        runs = list(self._group.runs)
        return sorted(runs, key=lambda run: run.state is not RunState.FAILED) if self._group.is_over else runs

    @property
    def _index(self) -> int:
        return next((number for number, run in enumerate(self._ordered) if run is self.selected), 0)

    def _rows_of(self, index: int) -> tuple[int, int]:
        """First row and number of rows."""
        columns = columns_of(self.size.width)
        return (index, 1) if columns == 1 else (index // columns * CELL_HEIGHT, CELL_HEIGHT)

    def _at(self, x: int, y: int) -> int:
        columns = columns_of(self.size.width)
        if columns == 1:
            return self._top + y
        return (self._top + y) // CELL_HEIGHT * columns + min(columns - 1, x // (self.size.width // columns))

    def on_resize(self) -> None:
        self.draw()

    def on_click(self, event: events.Click) -> None:
        self._select(self._at(event.x, event.y))

    def action_move(self, columns: int, rows: int) -> None:
        self._select(self._index + columns + rows * columns_of(self.size.width))

    def action_first(self) -> None:
        self._select(0)

    def action_last(self) -> None:
        self._select(len(self._group.runs) - 1)

    def _select(self, index: int) -> None:
        runs = self._ordered
        if 0 <= index < len(runs):
            self.selected = runs[index]
            self.draw()
