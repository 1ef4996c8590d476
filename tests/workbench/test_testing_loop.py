"""Which tests run after a save, when, and what becomes of their runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.events import Deployed, FilesSaved, RunEnded, RunOpened, RunStarted, TestsChanged
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind
from stigmer_tui.workbench.project_tests import Form, Outcome, ProjectTest, Tests, Took
from stigmer_tui.workbench.state import ApplySummary, Deployment, ProjectState, ShownRun, WorkbenchState
from stigmer_tui.workbench.state_store import StateStore
from stigmer_tui.workbench.testing_loop import TestLoop

NOW = datetime(2026, 11, 29, tzinfo=UTC)
HOST = Resource(ResourceKind.AGENT, "agt_1", "host", "host")
CLERK = Resource(ResourceKind.AGENT, "agt_2", "clerk", "clerk")


@dataclass
class FakeTester:
    """Tests are named by what they run."""

    names: list[str] = field(default_factory=lambda: ["clerk", "host"])
    stamps: dict[str, int] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    played: list[str] = field(default_factory=list)
    runs: set[str] = field(default_factory=set)
    """Those that are there."""
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def find(self) -> tuple[ProjectTest, ...]:
        return tuple(ProjectTest(f"tests/{name}.yaml", name, (self.stamps.get(name, 0), 1)) for name in self.names)

    def subject(self, test: ProjectTest) -> ResourceKey | None:
        return ResourceKey(ResourceKind.AGENT, test.name)

    async def play(self, tests: Sequence[ProjectTest], resources: Sequence[Resource], took: Took) -> None:
        for test in tests:
            await self.may_end.wait()
            self.played.append(test.name)
            run = f"agx_{len(self.played)}"
            self.runs.add(run)
            is_failing = test.name in self.failing
            outcome, difference = (Outcome.FAILED, ("text",)) if is_failing else (Outcome.PASSED, ())
            await took(replace(test, outcome=outcome, difference=difference, execution_id=run))

    async def keep_only(self, kept: Collection[str]) -> None:
        self.runs &= set(kept)

    async def export(self, execution_id: str, form: Form) -> str:
        raise AssertionError(form)


class Loop:
    def __init__(self) -> None:
        self.tester = FakeTester()
        self.tester.may_end.set()
        self.store = StateStore(
            WorkbenchState(DaemonState(connected=True), ProjectState("shop", "/shop")), SystemClock()
        )
        self.opened: list[str] = []
        self._changed = asyncio.Event()
        self.store.subscribe(lambda event: self._changed.set())
        self.loop = TestLoop(self.tester, self.store, lambda test: self.opened.append(test.execution_id))

    @property
    def tests(self) -> Tests:
        return self.store.state.tests

    def save(self, *affected: Resource, rerun: str = "") -> None:
        self.store.emit(FilesSaved("main.py changed", NOW))
        keys = frozenset(resource.key for resource in affected)
        self.store.emit(Deployed(Deployment(ApplySummary(NOW), (), keys), "main.py", rerun))

    async def until(self, played: Sequence[str]) -> None:
        """So many tests have run, and their outcomes are known."""
        await self.when(lambda: self.tester.played == list(played) and not self.tests.count(Outcome.RUNNING))

    async def when(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def settled(self) -> None:
        """Nothing is left to do."""
        for _ in range(3):
            await asyncio.to_thread(lambda: None)
            await asyncio.sleep(0)


@asynccontextmanager
async def running() -> AsyncIterator[Loop]:
    loop = Loop()
    task = asyncio.create_task(loop.loop.run())
    await loop.when(lambda: bool(loop.tests.all))
    yield loop
    task.cancel()
    await asyncio.wait((task,))


async def test_only_tests_of_what_has_changed_run_and_none_at_the_start() -> None:
    async with running() as loop:
        assert loop.tests.count(Outcome.NOT_RUN) == 2
        loop.save(HOST)
        await loop.until(["host"])
        assert loop.tests.count(Outcome.PASSED) == 1
        await loop.settled()
        assert loop.tester.runs == set(), "nobody looks at a run that is as expected"


async def test_a_test_that_is_written_runs_with_its_save() -> None:
    async with running() as loop:
        loop.tester.stamps["clerk"] = 1
        loop.tester.names.append("new")
        loop.save()
        await loop.until(["clerk", "new"])


async def test_all_run_when_a_person_wants_it() -> None:
    async with running() as loop:
        loop.loop.run_all()
        await loop.until(["clerk", "host"])


async def test_the_run_of_a_failed_test_is_kept_until_the_next_one() -> None:
    async with running() as loop:
        loop.tester.failing = {"host"}
        loop.save(HOST)
        await loop.until(["host"])
        await loop.settled()
        (failed,) = loop.tests.failed
        assert (failed.execution_id, failed.difference, loop.tester.runs) == ("agx_1", ("text",), {"agx_1"})
        assert loop.tests.failed_after("") == loop.tests.failed_after("tests/host.yaml") == failed
        loop.save(HOST)
        await loop.until(["host", "host"])
        await loop.settled()
        assert loop.tester.runs == {"agx_2"}
    assert loop.tester.runs == set(), "nothing is left behind"


async def test_a_test_that_is_shown_shows_its_next_run_also_when_that_passes() -> None:
    async with running() as loop:
        loop.tester.failing = {"host"}
        loop.save(HOST)
        await loop.until(["host"])
        loop.store.emit(RunOpened(ShownRun(Execution(ResourceKind.AGENT, "agx_1", "host"), HOST)))
        loop.tester.failing = set()
        loop.save(HOST)
        await loop.until(["host", "host"])
        assert loop.opened == ["agx_2"]
        test = loop.tests.of_run("agx_2")
        assert test is not None
        assert test.outcome is Outcome.PASSED


async def test_they_wait_for_the_run_that_the_save_has_started() -> None:
    async with running() as loop:
        loop.save(HOST, rerun="host")
        own = ShownRun(Execution(ResourceKind.AGENT, "agx_own", "host"), HOST)
        loop.store.emit(RunStarted(own))
        await loop.settled()
        assert loop.tester.played == []
        loop.store.emit(RunEnded(own.execution))
        await loop.until(["host"])


async def test_a_save_interrupts_them_and_what_was_left_runs_after_it() -> None:
    async with running() as loop:
        loop.tester.may_end.clear()
        loop.save(HOST)
        await loop.when(lambda: loop.tests.count(Outcome.RUNNING) == 1)
        loop.store.emit(FilesSaved("main.py changed", NOW))
        await loop.when(lambda: loop.tests.count(Outcome.RUNNING) == 0)
        assert loop.tests.count(Outcome.NOT_RUN) == 2
        loop.tester.may_end.set()
        loop.save(CLERK)
        await loop.until(["clerk", "host"])


def test_an_event_outside_of_a_project_changes_nothing() -> None:
    store = StateStore(WorkbenchState(), SystemClock())
    store.emit(TestsChanged(Tests((ProjectTest("a", "a"),))))
    assert store.state.tests.all == ()
