"""The tests of what has changed run after each save, once the person's own run is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.events import (
    Deployed,
    Event,
    FilesSaved,
    RunDetached,
    RunEnded,
    RunReplaced,
    RunStarted,
    TestsChanged,
)
from stigmer_tui.workbench.model import ResourceKey
from stigmer_tui.workbench.project_tests import Outcome, ProjectTest, Tester, Tests
from stigmer_tui.workbench.state import Level
from stigmer_tui.workbench.state_store import StateStore

PATIENCE = 2.0
"""Seconds for which tests wait for the run of a person; it may go on for hours."""

TIDY_UP_LIMIT = 5.0
"""Seconds for which a person who quits waits for runs of tests to be deleted; it takes some milliseconds."""


class TestLoop:
    """A save interrupts what runs: the code of that is out of date, and what the save leads to comes first."""

    __test__ = False  # pytest collects by the name

    def __init__(self, tester: Tester, store: StateStore, show: Callable[[ProjectTest], None]) -> None:
        """`show` opens the run of a test."""
        self._tester = tester
        self._store = store
        self._show = show
        self._affected: set[ResourceKey] = set()
        self._due: set[str] = set()
        """Paths of tests that are to be run."""
        self._are_all_wanted = False
        self._is_first = True
        self._wanted = asyncio.Event()
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._round: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until cancelled."""
        self._store.subscribe(self._take)
        self._wanted.set()
        try:
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                self._round = asyncio.create_task(self._run_due())
                await asyncio.wait((self._round,))
                if not self._round.cancelled():
                    self._round.result()
        finally:
            if self._round:
                self._round.cancel()
                await asyncio.wait((self._round,))
            await self._tidy_up()

    def run_all(self) -> None:
        self._are_all_wanted = True
        self._wanted.set()

    def _take(self, event: Event) -> None:
        match event:
            case FilesSaved():
                if self._round:
                    self._round.cancel()
            case Deployed(deployment, saved, rerun) if saved:
                self._affected |= deployment.affected
                if rerun:
                    self._is_quiet.clear()
                self._wanted.set()
            case RunStarted():
                self._is_quiet.clear()
            case RunEnded() | RunReplaced() | RunDetached():
                self._is_quiet.set()
            case _:
                pass

    async def _run_due(self) -> None:
        try:
            tests = await self._look()
            if not self._due:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await self._is_quiet.wait()
            due = [test for test in tests.all if test.path in self._due]
            self._set([replace(test, outcome=Outcome.RUNNING) for test in due])
            await self._tester.play(due, self._store.state.resources, self._took)
            await self._tester.keep_only({test.execution_id for test in self._tests.all})
        except StigmerError as error:
            self._store.note(f"The tests do not run: {error}", Level.WARNING)
            self._due.clear()
        finally:
            # What was interrupted is due still, and as it was before.
            left = [test for test in self._tests.all if test.outcome is Outcome.RUNNING]
            self._set([replace(test, outcome=Outcome.FAILED if test.difference else Outcome.NOT_RUN) for test in left])

    @property
    def _tests(self) -> Tests:
        return self._store.state.tests

    async def _look(self) -> Tests:
        """Which tests there are, and which of them are due."""
        affected, are_all_wanted = frozenset(self._affected), self._are_all_wanted
        found, about = await asyncio.to_thread(self._find, affected)
        # Whoever interrupts this does so before, and what was wanted is wanted still.
        self._affected -= affected
        self._are_all_wanted &= not are_all_wanted
        known = {test.path: test for test in self._tests.all}
        changed = {test.path for test in found if test.path not in known or known[test.path].stamp != test.stamp}
        now = Tests(tuple(test if test.path in changed else known[test.path] for test in found))
        paths = {test.path for test in found}
        # Those that were there when the project was opened have not changed.
        self._due |= paths if are_all_wanted else about if self._is_first else about | changed
        self._due &= paths
        self._is_first = False
        if now != self._tests:
            self._store.emit(TestsChanged(now))
        return now

    def _find(self, affected: frozenset[ResourceKey]) -> tuple[tuple[ProjectTest, ...], set[str]]:
        """All tests, and the paths of those that run what is affected."""
        found = self._tester.find()
        return found, {test.path for test in found if affected and self._tester.subject(test) in affected}

    async def _took(self, test: ProjectTest) -> None:
        """The run of a test that has failed is kept until its next one, for a person to look at."""
        before = next((known for known in self._tests.all if known.path == test.path), test)
        shown = self._store.state.shown
        is_shown = shown is not None and shown.execution.id == before.execution_id
        if test.outcome is Outcome.PASSED and not is_shown:
            test = replace(test, execution_id="")
        self._due.discard(test.path)
        self._set([test])
        if is_shown and test.execution_id:
            self._show(test)

    def _set(self, changed: list[ProjectTest]) -> None:
        by_path = {test.path: test for test in changed}
        if by_path:
            self._store.emit(TestsChanged(Tests(tuple(by_path.get(test.path, test) for test in self._tests.all))))

    async def _tidy_up(self) -> None:
        if not self._store.state.daemon.connected:
            return
        with suppress(StigmerError, TimeoutError):
            async with asyncio.timeout(TIDY_UP_LIMIT):
                await self._tester.keep_only(())
