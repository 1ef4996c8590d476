"""All runs: found by what happened in them, marked, opened and compared, run again and deleted."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input
from textual.worker import Worker

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.run_table import run_table_header
from stigmer_tui.tui.screens.full_screen import LiveScreen
from stigmer_tui.tui.widgets.run_table import RunTable
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.project_tests import Form
from stigmer_tui.workbench.run_query import FoundRun
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import RunInput

PLACEHOLDER = "/ find a text in all runs; state:failed name:helper since:2h"


Work = Callable[[], Coroutine[None, None, None]]


class RunHistoryScreen(LiveScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.RUN_HISTORY)

    AUTO_FOCUS = "#run-table"

    class Chosen(Message):
        """A run is to be shown."""

        def __init__(self, run: Run, text: str) -> None:
            """`text` is what it was found by; it may be empty."""
            super().__init__()
            self.run = run
            self.text = text

    class RunRequested(Message):
        """What a run has run is to be run again."""

        def __init__(self, resource: Resource, run_input: RunInput, is_edited: bool) -> None:
            """`is_edited`: the person wants to change the input first."""
            super().__init__()
            self.resource = resource
            self.run_input = run_input
            self.is_edited = is_edited

    class CopyRequested(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, session: Session, glyphs: Glyphs, clock: Clock) -> None:
        super().__init__(glyphs)
        self._session = session
        self._clock = clock
        self._query = ""
        self._text = ""
        """That of the query by which the runs were found."""
        self._found: list[FoundRun] = []
        self._marked: list[Run] = []
        """Two at most, in the order in which they were marked."""
        self._problem = ""
        self._is_searching = True

    def body(self) -> ComposeResult:
        yield RunTable(self._glyphs, self._clock, id="run-table")
        yield RunSearch(placeholder=PLACEHOLDER, id="run-search", select_on_focus=False)

    def on_mount(self) -> None:
        self._search("")

    @property
    def is_live(self) -> bool:
        return any(not found.run.state.is_final for found in self._found)

    def draw(self) -> None:
        nothing = "" if self._is_searching or self._problem else "No run matches" if self._query else "No run yet"
        marked = frozenset(run.id for run in self._marked)
        self.query_one(RunTable).update(self._current(), marked, nothing)
        self.show_header(
            run_table_header(
                *(self._query, len(self._found), len(self._marked), self._problem, self._is_searching),
                *(self.size.width, self._glyphs.ellipsis),
            )
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        self._search(event.value)

    def on_run_table_opened(self) -> None:
        self.action_open()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "search" or not isinstance(self.focused, RunSearch)

    def action_search(self) -> None:
        self.set_focus(self.query_one(RunSearch))

    def action_open(self) -> None:
        if run := self._selected:
            self.app.post_message(self.Chosen(run, self._text))
            self.dismiss(None)

    def action_copy(self) -> None:
        if run := self._selected:
            self.app.post_message(self.CopyRequested(run.id))

    def action_mark(self) -> None:
        """A third one takes the place of the first."""
        if run := self._selected:
            others = [marked for marked in self._marked if marked.id != run.id]
            self._marked = others if len(others) < len(self._marked) else [*others[-1:], run]
            self.query_one(RunTable).action_move(1)
            self.draw()

    def action_compare(self) -> None:
        if run := self._selected:
            self._attempt(partial(self._compare, run), "comparison")

    def action_again(self) -> None:
        if run := self._selected:
            self._attempt(partial(self._run_again, run, is_edited=False), "run")

    def action_edit(self) -> None:
        if run := self._selected:
            self._attempt(partial(self._run_again, run, is_edited=True), "run")

    def action_export(self) -> None:
        if run := self._selected:
            self._session.tests.export(run.id, Form.TEST)

    def action_delete(self) -> None:
        if run := self._selected:
            self._attempt(partial(self._delete, run), f"deletion of {run.id}")

    @property
    def _selected(self) -> Run | None:
        return self.query_one(RunTable).selected

    def _current(self) -> Sequence[FoundRun]:
        """With the state that the session has heard of since they were found."""
        newest = {run.id: run for run in self._session.state.runs}
        return [replace(found, run=newest.get(found.run.id, found.run)) for found in self._found]

    def _search(self, written: str) -> None:
        self._query = " ".join(written.split())
        self._work(partial(self._find, self._query), "search")

    def _work(self, work: Work, group: str) -> Worker[None]:
        """In place of what the group does at the moment."""
        return self.run_worker(work, group=group, exclusive=True)

    def _attempt(self, work: Work, group: str) -> None:
        """As `_work`; what fails is shown."""

        async def attempt() -> None:
            self._problem = ""
            try:
                await work()
            except StigmerError as error:
                self._problem = _sentence(error)
            self.changed()

        self._work(attempt, group)

    async def _find(self, query: str) -> None:
        """What was found before stays until there is something else to show."""
        found: list[FoundRun] = []
        self._problem, self._is_searching = "", True
        self.changed()
        try:
            wanted = self._session.history.query(query)
            async with aclosing(self._session.history.search(wanted)) as arriving:
                async for some in arriving:
                    found += some
                    self._found = list(found)
                    self.changed()
            self._found, self._text = found, wanted.text
        except StigmerError as error:
            self._problem = _sentence(error)
        self._is_searching = False
        self.changed()

    async def _compare(self, selected: Run) -> None:
        from stigmer_tui.tui.screens.comparison import ComparisonScreen

        pair = await self._pair(selected)
        screen = ComparisonScreen(self._session, *pair, self._glyphs, self._clock)
        await self.app.push_screen(screen)

    async def _run_again(self, run: Run, is_edited: bool) -> None:
        resource, run_input = await self._session.history.what_ran(run)
        self.app.post_message(self.RunRequested(resource, run_input, is_edited))
        self.dismiss(None)

    async def _delete(self, run: Run) -> None:
        """Once the person has said so."""
        from stigmer_tui.tui.screens.dialogs import DeleteDialog

        self._session.history.check_deletable(run)
        if await self.app.push_screen_wait(DeleteDialog(run)):
            await self._session.history.delete(run)
            self._found = [found for found in self._found if found.run.id != run.id]
            self._marked = [marked for marked in self._marked if marked.id != run.id]

    async def _pair(self, selected: Run) -> tuple[Run, Run]:
        """The older one first, unless both were marked. Raises StigmerError where there is none to compare with."""
        match [run for run in self._marked if run.id != selected.id]:
            case [first, second]:
                return first, second
            case [other]:
                return other, selected
            case _:
                before = await self._session.history.run_before(selected)
                if before is None:
                    raise StigmerError(f"{selected.resource} has no run before this one: mark another with space")
                return before, selected


def _sentence(error: StigmerError) -> str:
    return ": ".join(filter(None, (error.message, error.advice)))


class RunSearch(Input):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.RUN_SEARCH)

    def action_to_table(self) -> None:
        self.screen.query_one(RunTable).focus()

    def action_clear(self) -> None:
        self.value = ""
        self.screen.query_one(RunTable).focus()
