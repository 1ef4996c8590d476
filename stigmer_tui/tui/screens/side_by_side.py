"""Several runs side by side: the transcript of each below what it is compared by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from stigmer_tui.core.clock import Clock
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.render.glyphs import STATE_ROLES, Glyphs
from stigmer_tui.tui.render.layout import muted
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, StyleRole
from stigmer_tui.tui.screens.full_screen import LiveScreen
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.side_by_side import ComparedRun, SideBySideIntents
from stigmer_tui.workbench.transcript import Transcript


class SideBySideScreen(LiveScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.SIDE_BY_SIDE)

    AUTO_FOCUS = "EntryList"

    def __init__(
        self, intents: SideBySideIntents, compared: Sequence[ComparedRun], glyphs: Glyphs, clock: Clock
    ) -> None:
        super().__init__(glyphs)
        self._intents = intents
        self._compared = compared
        self._clock = clock

    def body(self) -> ComposeResult:
        with Horizontal(id="side-by-side"):
            for compared in self._compared:
                yield Side(compared, self._glyphs, self._clock)

    @property
    def is_live(self) -> bool:
        return any(each.execution and not each.execution.state.is_final for each in self._compared)

    def on_mount(self) -> None:
        names = dict.fromkeys(each.run.resource for each in self._compared)
        what = "agents" if all(each.run.kind is ResourceKind.TASK for each in self._compared) else "runs"
        title = f" {' ⇄ '.join(map(one_line, names))}"
        self.show_header(Row(((title, StyleRole.STRONG), *muted(f"  {len(self._compared)} {what} side by side"))))
        self._intents.follow(self._compared, self.changed)
        self.draw()

    def action_next_side(self) -> None:
        lists = list(self.query(EntryList))
        here = next((number for number, each in enumerate(lists) if each.has_focus), -1)
        lists[(here + 1) % len(lists)].focus()

    def draw(self) -> None:
        for side in self.query(Side):
            side.draw()


class Side(Vertical):
    """One run."""

    def __init__(self, compared: ComparedRun, glyphs: Glyphs, clock: Clock) -> None:
        super().__init__(classes="side")
        self._compared = compared
        self._glyphs = glyphs
        self._clock = clock
        self._outline: Transcript | None = None

    def compose(self) -> ComposeResult:
        yield RowPanel(glyphs=self._glyphs, classes="side-title")
        yield EntryList(clock=self._clock, glyphs=self._glyphs)

    def draw(self) -> None:
        compared = self._compared
        execution = compared.execution
        state = execution.state if execution else compared.run.state
        heading = Row(
            (
                (f"{self._glyphs.states[state]} {one_line(compared.name)}", StyleRole.STRONG | STATE_ROLES[state]),
                (f"  {state}", STATE_ROLES[state]),
            )
        )
        facts = Row(muted(" · ".join(compared.facts(self._clock.now()))))
        problem = compared.refusal or (execution.error if execution else "")
        rows = [heading, facts, Row(((problem, STATE_ROLES[RunState.FAILED]),)) if problem else EMPTY_ROW]
        self.query_one(RowPanel).show(rows)
        if execution:
            self._outline = self._outline or Transcript(execution)
            self.query_one(EntryList).update(self._outline, "Nothing yet", is_live=not state.is_final)
