"""Point 19: one intent leads to one run. What a person asks for takes the place of the automatic one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.subprocesses import RunPackage, run_package
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.deployment import Deployer
from stigmer_tui.workbench.events import Event, ListsChanged, WatchSwitched
from stigmer_tui.workbench.model import Run, RunState
from stigmer_tui.workbench.services import Services
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.state import ApplySummary, Deployment, DeploymentItem, Level, RunInput, Value
from stigmer_tui.workbench.suggestions import Suggestion, ValueSource
from tests.workbench.stage import (
    NOON,
    OTHER,
    TALLY,
    FakeServer,
    FakeWatcher,
    StagedSession,
    StoppedClock,
    at_work,
)
from tests.workbench.trees import change

INPUT = RunInput("once")
ANOTHER = RunInput("twice")

Ask = Callable[[StagedSession], None]

ASK: dict[str, Ask] = {
    "r": lambda session: session.rerun(),
    "enter": lambda session: session.start(TALLY, INPUT),
    "e enter": lambda session: session.start(TALLY, ANOTHER),
    "another": lambda session: session.start(OTHER, INPUT),
}


def runs(session: StagedSession) -> list[str]:
    return [slug for slug, _ in session.server.created]


async def shown_running(session: StagedSession) -> None:
    session.start(TALLY, INPUT)
    await session.until(lambda: session.state.shown is not None)
    assert runs(session) == ["tally"]


@pytest.mark.parametrize("asked", ASK)
async def test_watch_off_a_save_and_a_wish_are_one_run(tmp_path: Path, asked: str) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        session.toggle_watch()
        session.watcher.save()
        session.watcher.notice()
        await session.settled()
        assert session.code.runs == 1
        ASK[asked](session)
        await session.deployed(2)
        assert runs(session)[1:] == ["other" if asked == "another" else "tally"]
        assert session.server.created[-1][1] == (ANOTHER if asked == "e enter" else INPUT)
        assert session.server.cancelled == (["wfx_1"] if asked == "r" else [])


@pytest.mark.parametrize("asked", ASK)
@pytest.mark.parametrize("moment", ["before it is noticed", "while the code runs", "while the run is created"])
async def test_a_save_and_a_wish_soon_after_are_one_run(tmp_path: Path, asked: str, moment: str) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        session.watcher.save()
        match moment:
            case "before it is noticed":
                ASK[asked](session)
            case "while the code runs":
                session.code.may_end.clear()
                session.watcher.notice()
                await session.deployed(2)
                ASK[asked](session)
                await session.settled()
                session.code.may_end.set()
            case _:
                session.server.may_create.clear()
                session.watcher.notice()
                await session.deployed(2)
                ASK[asked](session)
                await session.settled()
                session.server.may_create.set()
        await session.deployed(2)
        await session.settled()
        session.watcher.notice()
        await session.settled()
        assert session.code.runs == 2
        if moment == "while the run is created" and asked in ("e enter", "another"):
            # What is being created is; its place is taken where it is of the same workflow.
            assert runs(session)[1:] == ["tally", "tally" if asked == "e enter" else "other"]
            assert session.server.cancelled == (["wfx_1", "wfx_2"] if asked == "e enter" else ["wfx_1"])
        else:
            assert len(runs(session)) == 2
        assert session.shown.execution.id == f"wfx_{len(runs(session))}"


@pytest.mark.parametrize("asked", ["r", "enter"])
async def test_a_run_that_a_save_has_just_started_is_the_one_that_is_asked_for(tmp_path: Path, asked: str) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        session.watcher.save()
        session.watcher.notice()
        await session.until(lambda: len(runs(session)) == 2)
        session.time.seconds += 0.6
        ASK[asked](session)
        await session.settled()
        assert len(runs(session)) == 2
        assert "tally runs with this save already" in session.notices
        # Who insists means it.
        ASK[asked](session)
        await session.settled()
        assert len(runs(session)) == 3


async def test_later_it_is_another_intent(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        session.watcher.save()
        session.watcher.notice()
        await session.until(lambda: len(runs(session)) == 2)
        session.time.seconds += 1.5
        session.rerun()
        await session.settled()
        assert (len(runs(session)), session.server.cancelled) == (3, ["wfx_1", "wfx_2"])


async def test_a_wish_that_is_repeated_while_it_waits_is_one_run(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        session.code.may_end.clear()
        session.watcher.save()
        session.watcher.notice()
        await session.deployed(2)
        for _ in range(5):
            session.rerun()
        session.start(OTHER, INPUT)
        await session.settled()
        session.code.may_end.set()
        await session.until(lambda: "other" in runs(session))
        await session.settled()
        assert sorted(runs(session)) == ["other", "tally", "tally"]
        assert session.server.cancelled == ["wfx_1"]


async def test_a_key_that_is_held_leaves_one_run_going_on(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        for _ in range(20):
            session.rerun()
            await asyncio.sleep(0)
        await session.settled()
        ids = [f"wfx_{number}" for number in range(1, len(runs(session)) + 1)]
        assert session.server.cancelled == ids[:-1]
        assert session.shown.execution.id == ids[-1]


class TestExistingServer:
    """Point 29: what an existing server cannot do keeps nothing from running."""

    @pytest.mark.parametrize("asked", ["r", "save"])
    async def test_the_new_run_starts_and_the_old_one_goes_on(self, tmp_path: Path, asked: str) -> None:
        async with at_work(tmp_path, FakeServer(can_cancel=False, is_ours=False)) as session:
            await shown_running(session)
            if asked == "r":
                session.rerun()
            else:
                session.watcher.save()
                session.watcher.notice()
            await session.until(lambda: len(runs(session)) == 2)
            await session.settled()
            assert "The server at 127.0.0.1:1 cannot cancel executions: the old run of tally goes on" in session.notices
            assert session.project.problem is None

    async def test_broken_code_is_run_once(self, tmp_path: Path) -> None:
        async with at_work(tmp_path, FakeServer(is_ours=False)) as session:
            session.code.failure = SynthesisError("NameError: name 'itm' is not defined")
            session.watcher.save()
            session.watcher.notice()
            await session.until(lambda: session.project.problem is not None)
            for look in range(2, 6):
                session.server.arrived.set()
                await session.until(lambda look=look: session.server.looks >= look)  # type: ignore[misc]
                await session.settled()
            assert session.code.runs == 2


async def test_keys_are_handed_over_and_again_to_a_daemon_that_was_restarted(tmp_path: Path) -> None:
    """Point 21: they are in the memory of the daemon only."""
    async with at_work(tmp_path, FakeServer(lacking=("OPENAI_API_KEY",))) as session:
        told = "Handed OPENAI_API_KEY to the daemon, which had no such key; it is kept in memory only"
        assert session.notices.count(told) == 1
        for count, seconds in ((1, 0), (1, 0), (2, 5)):
            if seconds:
                session.server.lacking = ("OPENAI_API_KEY",)
            session.server.statuses.put_nowait(
                DaemonState(connected=True, started_at=NOON + timedelta(seconds=seconds))
            )
            await session.settled()
            assert session.notices.count(told) == count


async def test_a_run_that_has_been_seen_to_end_is_not_unfinished(tmp_path: Path) -> None:
    """The list, which is a moment behind, still has it as running; leaving the app asks nothing."""
    async with at_work(tmp_path) as session:
        session.start(TALLY, RunInput())
        await session.until(lambda: session.state.shown is not None)
        execution = session.shown.execution
        run = Run(TALLY.kind, execution.id, TALLY.id, TALLY.slug, RunState.RUNNING)
        session.store.emit(ListsChanged((TALLY, OTHER), (run,)))
        assert session.unfinished() == [run]
        change(execution, state=RunState.COMPLETED)
        assert session.unfinished() == []


class TestWatch:
    async def test_what_was_saved_while_it_was_off_is_deployed_once_it_is_on(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            events: list[Event] = []
            session.store.subscribe(events.append)
            watching = [session.project.watching]
            session.toggle_watch()
            watching.append(session.project.watching)
            for name in ("first.py", "second.py"):
                session.watcher.save(name)
                session.watcher.notice()
                await session.settled()
            assert session.code.runs == 1
            session.toggle_watch()
            await session.deployed(2)
            watching.append(session.project.watching)
            assert (watching, session.code.runs) == ([True, False, True], 2)
            assert "Saved first.py and 1 more · 1 updated" in session.notices
            switched = [event for event in events if isinstance(event, WatchSwitched)]
            assert switched == [WatchSwitched(False), WatchSwitched(True)]

    async def test_off_and_on_deploys_nothing_where_nothing_was_saved(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            for _ in range(2):
                session.toggle_watch()
                await session.settled()
            assert (session.code.runs, session.project.watching) == (1, True)

    async def test_outside_a_project_there_is_nothing_to_watch(self, tmp_path: Path) -> None:
        session = StagedSession(tmp_path, FakeServer())
        session.toggle_watch()
        working = asyncio.create_task(session.run())
        await session.until(lambda: session.state.daemon.connected)
        session.toggle_watch()
        session.start(TALLY, INPUT)
        await session.until(lambda: bool(session.server.created))
        assert (session.code.runs, session.state.project) == (0, None)
        working.cancel()
        await asyncio.wait((working,))

    async def test_what_is_deployed_is_not_deployed_again_when_the_server_is_back(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.server.listed.put_nowait(StigmerError("The server is gone"))
            await session.until(lambda: bool(session.state.daemon.problem))
            session.daemon.retry()
            await session.until(lambda: session.state.daemon.connected)
            await session.settled()
            assert session.code.runs == 1

    async def test_a_server_that_is_found_while_the_code_runs_does_not_run_it_again(self, tmp_path: Path) -> None:
        (tmp_path / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
        session = StagedSession(tmp_path, FakeServer(connect_failure=StigmerError("Nobody is there")))
        session.code.may_end.clear()
        working = asyncio.create_task(session.run())
        await session.deployed(1)
        await session.until(lambda: bool(session.state.daemon.problem))
        session.server.connect_failure = None
        session.server.arrived.set()
        await session.until(lambda: session.state.daemon.connected)
        await session.settled()
        session.code.may_end.set()
        await session.until(lambda: session.project.applied is not None)
        await session.settled()
        assert session.code.runs == 1
        working.cancel()
        await asyncio.wait((working,))

    async def test_what_the_server_refused_is_sent_again_when_it_is_back(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.code.failure = StigmerError("The server does not answer", "Is it there?")
            session.watcher.save()
            session.watcher.notice()
            await session.until(lambda: session.project.problem is not None)
            session.code.failure = None
            session.server.listed.put_nowait(StigmerError("The server is gone"))
            await session.until(lambda: bool(session.state.daemon.problem))
            session.daemon.retry()
            await session.deployed(3)
            assert (session.code.runs, session.project.problem) == (3, None)


async def test_what_is_asked_before_a_run_is_what_it_was_run_with_last(tmp_path: Path) -> None:
    region, token = RunVariable("REGION"), RunVariable("TOKEN", is_secret=True)
    deploy = replace(TALLY, variables=(region, token))
    async with at_work(tmp_path) as session:
        (tmp_path / ".env").write_text("REGION=from-env\nTOKEN=from-env\n", encoding="utf-8")
        assert session.inputs.last(deploy.slug) == RunInput()
        assert session.inputs.suggestions(deploy) == [
            Suggestion(region, "from-env", ValueSource.DOTENV),
            Suggestion(token, "from-env", ValueSource.DOTENV),
        ]
        last = RunInput("go", {"TOKEN": Value("typed", is_secret=True)})
        session.start(deploy, last)
        assert session.inputs.last(deploy.slug) == last
        assert session.inputs.last(OTHER.slug) == RunInput()
        assert session.inputs.suggestions(deploy) == [
            Suggestion(region, "from-env", ValueSource.DOTENV),
            Suggestion(token, "typed", ValueSource.LAST_RUN),
        ]
        assert session.inputs.suggestions(OTHER) == []


async def test_a_run_that_a_save_has_started_is_shown_again_for_who_asks_for_it(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        await shown_running(session)
        session.watcher.save()
        session.watcher.notice()
        await session.until(lambda: len(runs(session)) == 2)
        session.open(Run(OTHER.kind, "wfx_9", OTHER.id, OTHER.slug, RunState.RUNNING))
        await session.until(lambda: session.server.following == {"wfx_9"})
        session.start(TALLY, INPUT)
        await session.until(lambda: session.server.following == {"wfx_2"})
        assert (session.shown.execution.id, len(runs(session))) == ("wfx_2", 2)


async def test_what_happens_to_the_daemon_is_noted_as_seriously_as_it_is(tmp_path: Path) -> None:
    async with at_work(tmp_path) as session:
        server = Component("server", ComponentState.READY, pid=1)
        runner = Component("agent-runner", ComponentState.READY, pid=2)
        failed = replace(runner, state=ComponentState.FAILED, detail="it ended too often")
        for components in ((server, runner), (server, failed)):
            session.server.statuses.put_nowait(DaemonState(connected=True, components=components, started_at=NOON))
        await session.until(lambda: session.state.daemon.components == (server, failed))
        await session.settled()
        notice = session.state.notices[-1]
        text = "The agent runner is not running: it ended too often"
        assert (notice.text, notice.level, notice.at) == (text, Level.ERROR, NOON)


async def test_a_command_finds_a_server_only_while_the_session_is_open(tmp_path: Path) -> None:
    session = StagedSession(tmp_path, FakeServer())
    with pytest.raises(RuntimeError, match="there is a server only while the session is open"):
        await session.resolve("tally")
    async with session.opened():
        assert await session.resolve("tally") == TALLY
        assert await session.resolve(OTHER.id) == OTHER
        assert await session.resolve("nothing") is None
        assert await session.find("tally") == TALLY
        # Our own server lists what it has by itself.
        assert session.state.resources == ()
    with pytest.raises(RuntimeError):
        await session.find("tally")


class PartOfCode(Deployer):
    """What a command does with the project's code is written down."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def synthesize(
        self, variables: Mapping[str, str] | None = None, run_package: RunPackage = run_package
    ) -> None:
        self.done.append("synthesize")

    async def preview(self) -> Deployment:
        self.done.append("preview")
        return Deployment(ApplySummary(NOON, created=("previewed",)), (), frozenset())

    async def apply(self) -> Deployment:
        self.done.append("apply")
        return Deployment(ApplySummary(NOON, created=("applied",)), (), frozenset())


async def test_a_command_previews_and_deploys_the_code_once(tmp_path: Path) -> None:
    (tmp_path / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    server, code = FakeServer(), PartOfCode()
    services = Services(server, lambda store: code, lambda: FakeWatcher(StoppedClock()))
    session = Session(Configuration(Home(tmp_path / "home")), tmp_path, StoppedClock(), load=lambda *_: services)
    async with session.opened():
        assert (await session.preview()).applied.created == ("previewed",)
        assert code.done == ["synthesize", "preview"]
        summaries = [session.state.project and session.state.project.applied]
        assert (await session.deploy()).applied.created == ("applied",)
        assert code.done[2:] == ["synthesize", "apply"]
        summaries.append(session.state.project and session.state.project.applied)
    assert summaries == [None, ApplySummary(NOON, created=("applied",))]


async def test_what_the_last_session_remembered_is_there_before_any_server(tmp_path: Path) -> None:
    (tmp_path / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    configuration = Configuration(Home(tmp_path / "home"))
    cache = SessionCache.of(configuration, tmp_path)
    run = Run(TALLY.kind, "wfx_1", TALLY.id, TALLY.slug, RunState.COMPLETED)
    cache.note_project()
    cache.note_lists((TALLY,), (run,))
    cache.note_inputs({"tally": INPUT})
    item = DeploymentItem(TALLY.kind, "tally", "tally", "updated", TALLY)
    cache.note_deployment(Deployment(ApplySummary(NOON), (item,), frozenset(), ("a warning",)))
    session = Session(configuration, tmp_path, StoppedClock(), cache=cache)
    state = session.state
    assert (state.resources, state.runs, state.recent_projects) == ((TALLY,), (run,), (str(tmp_path),))
    assert session.inputs.last(TALLY.slug) == INPUT
    assert state.project is not None
    assert (state.project.name, state.project.folder) == (tmp_path.name, str(tmp_path))
    assert (state.project.defines, state.project.warnings) == (frozenset({TALLY.key}), frozenset({"a warning"}))
    assert state.project.watching
    session.start(TALLY, ANOTHER)
    assert SessionCache.of(configuration, tmp_path).inputs() == {"tally": ANOTHER}
