"""What a session follows, cancels and leaves alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.events import (
    Event,
    LatencyMeasured,
    RunChanged,
    RunEnded,
    RunReplaced,
    RunStarted,
)
from stigmer_tui.workbench.model import Run, RunState
from stigmer_tui.workbench.state import Level, RunInput
from tests.workbench.stage import OTHER, TALLY, FakeServer, StagedSession, at_work

INPUT = RunInput("once")


async def started(session: StagedSession) -> None:
    session.start(TALLY, INPUT)
    await session.until(lambda: bool(session.server.following))


def running(session: StagedSession, *ids: str) -> None:
    """What the server lists."""
    runs = tuple(Run(TALLY.kind, run_id, TALLY.id, TALLY.slug, RunState.RUNNING) for run_id in ids)
    session.server.listed.put_nowait(((TALLY, OTHER), runs))


async def lost(session: StagedSession) -> None:
    """The server, until somebody looks for it again."""
    session.server.listed.put_nowait(StigmerError("The server is gone"))
    await session.until(lambda: bool(session.state.daemon.problem))


def known(session: StagedSession) -> list[str]:
    return [resource.slug for resource in session.state.resources]


class TestFollowing:
    async def test_one_run_at_a_time(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.start(OTHER, INPUT)
            await session.until(lambda: session.shown.execution.id == "wfx_2")
            await session.settled()
            assert session.server.following == {"wfx_2"}
            # What is not shown any more goes on.
            assert session.server.cancelled == []

    async def test_a_run_of_the_list_takes_the_place_of_the_one_that_is_followed(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.open(Run(OTHER.kind, "wfx_9", OTHER.id, OTHER.slug, RunState.RUNNING, message="what for"))
            await session.until(lambda: session.shown.execution.id == "wfx_9")
            await session.settled()
            assert session.server.following == {"wfx_9"}
            assert (session.shown.resource, session.shown.input.message, session.shown.number) == (
                OTHER,
                "what for",
                0,
            )

    async def test_a_run_of_a_resource_that_is_not_listed(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.open(Run(TALLY.kind, "wfx_9", "wf_9", "gone", RunState.COMPLETED))
            await session.until(lambda: session.state.shown is not None)
            assert (session.shown.resource.id, session.shown.resource.slug) == ("wf_9", "gone")

    async def test_the_end_of_the_session_ends_it(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
        assert session.server.following == set()
        assert session.server.cancelled == []

    async def test_a_failure_is_noted_and_a_reconnection_follows_again(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.server.follow_failure = StigmerError("The daemon was stopped")
            session.server.change("wfx_1")
            await session.until(lambda: not session.server.following)
            await session.settled()
            assert (session.state.notices[-1].text, session.state.notices[-1].level) == (
                "The daemon was stopped",
                Level.ERROR,
            )
            session.server.follow_failure = None
            await lost(session)
            session.daemon.retry()
            await session.until(lambda: session.server.following == {"wfx_1"})

    async def test_a_run_that_has_ended_is_not_followed_again(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.server.end("wfx_1")
            await session.until(lambda: not session.server.following)
            await lost(session)
            session.daemon.retry()
            looks = session.server.looks
            await session.until(lambda: session.server.looks > looks)
            await session.settled()
            assert session.server.following == set()

    async def test_events_come_in_the_order_in_which_things_happen(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            events: list[Event] = []
            session.store.subscribe(events.append)
            await started(session)
            first = session.shown.execution
            session.server.change("wfx_1")
            await session.settled()
            session.start(OTHER, INPUT)
            await session.until(lambda: session.shown.execution.id == "wfx_2")
            second = session.shown.execution
            await session.settled()
            session.server.end("wfx_2")
            await session.until(lambda: RunEnded(second) in events)
            kinds = RunStarted | RunChanged | RunReplaced | RunEnded
            assert [type(event) for event in events if isinstance(event, kinds)] == [
                *(RunStarted, RunChanged, RunReplaced, RunStarted, RunChanged, RunEnded)
            ]
            assert RunReplaced(first) in events

    async def test_the_time_from_a_save_to_the_first_event_is_measured_once(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            measured: list[float] = []

            def take(event: Event) -> None:
                if isinstance(event, LatencyMeasured):
                    measured.append(event.seconds)

            session.store.subscribe(take)
            await started(session)
            session.server.change("wfx_1")
            await session.settled()
            assert measured == []
            session.watcher.save()
            session.watcher.notice()
            await session.until(lambda: session.server.following == {"wfx_2"})
            session.time.seconds += 0.25
            for _ in range(2):
                session.server.change("wfx_2")
                await session.settled()
            assert measured == [0.25]
            assert session.project.latency == 0.25


class TestCancelling:
    async def test_the_shown_run(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.cancel()
            await session.until(lambda: session.shown.execution.state is RunState.CANCELLED)
            session.cancel()
            await session.settled()
            assert session.server.cancelled == ["wfx_1"]

    async def test_a_refusal_is_noted(self, tmp_path: Path) -> None:
        async with at_work(tmp_path, FakeServer(can_cancel=False)) as session:
            await started(session)
            session.cancel()
            await session.settled()
            assert session.notices[-1] == "The server at 127.0.0.1:1 cannot cancel executions"

    async def test_leaving_ends_what_this_session_has_started_and_nothing_else(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.start(OTHER, INPUT)
            await session.until(lambda: session.server.following == {"wfx_2"})
            running(session, "wfx_1", "wfx_2", "wfx_of_another_session")
            await session.until(lambda: len(session.state.runs) == 3)
            assert [run.id for run in session.unfinished()] == ["wfx_1", "wfx_2"]
            await session.cancel_all()
            assert session.server.cancelled == ["wfx_1", "wfx_2"]

    async def test_what_was_only_opened_is_not_ours_to_end(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            run = Run(TALLY.kind, "wfx_of_another_session", TALLY.id, TALLY.slug, RunState.RUNNING)
            session.open(run)
            await session.until(lambda: bool(session.server.following))
            running(session, run.id)
            await session.until(lambda: bool(session.state.runs))
            assert session.unfinished() == []

    async def test_finishing_waits_for_the_end_and_starts_nothing_after_it(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            await session.finish("enough")
            assert session.shown.execution.state is RunState.CANCELLED
            assert session.server.following == set()
            session.rerun()
            session.watcher.save()
            session.watcher.notice()
            await session.settled()
            assert len(session.server.created) == 1

    async def test_finishing_waits_for_a_run_that_is_being_created(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.server.may_create.clear()
            session.start(TALLY, INPUT)
            await session.settled()
            finishing = asyncio.create_task(session.finish("enough"))
            await session.settled()
            assert not finishing.done()
            session.server.may_create.set()
            await finishing
            assert session.server.cancelled == ["wfx_1"]


class TestSaves:
    async def test_the_changes_of_an_interrupted_synthesis_are_part_of_the_next(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            await started(session)
            session.code.may_end.clear()
            session.watcher.save("first.py")
            session.watcher.notice()
            await session.deployed(2)
            session.watcher.save("second.py")
            session.watcher.notice()
            await session.deployed(3)
            session.code.may_end.set()
            await session.until(lambda: len(session.server.created) == 2)
            assert "Saved first.py and 1 more · 1 updated · running tally again" in session.notices

    async def test_only_the_affected_run_runs_again(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.start(OTHER, INPUT)
            await session.until(lambda: bool(session.server.following))
            session.watcher.save()
            session.watcher.notice()
            await session.deployed(2)
            assert "Saved main.py · 1 updated" in session.notices
            assert len(session.server.created) == 1

    async def test_a_run_that_was_opened_does_not_run_again(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.open(Run(TALLY.kind, "wfx_9", TALLY.id, TALLY.slug, RunState.RUNNING))
            await session.until(lambda: session.state.shown is not None)
            session.watcher.save()
            session.watcher.notice()
            await session.deployed(2)
            assert session.server.created == []

    async def test_a_session_ends_while_code_runs_and_a_save_waits(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.code.may_end.clear()
            for name in ("first.py", "second.py"):
                session.watcher.save(name)
                session.watcher.notice()
                await session.until(lambda name=name: session.project.last_change.startswith(name))  # type: ignore[misc]


class TestServer:
    async def test_what_is_wanted_before_the_session_runs_happens_once(self, tmp_path: Path) -> None:
        (tmp_path / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
        session = StagedSession(tmp_path, FakeServer())
        session.start(TALLY, RunInput("first"))
        session.start(TALLY, RunInput("last"))
        working = asyncio.create_task(session.run())
        await session.until(lambda: bool(session.server.following))
        await session.settled()
        assert session.server.created == [("tally", RunInput("last"))]
        assert "tally runs as soon as the latest code is deployed" in session.notices
        working.cancel()
        await asyncio.wait((working,))

    async def test_a_lost_server_is_said_with_its_last_words(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.server.connect_failure = StigmerError("The daemon did not start", "See the log.")
            session.server.log_lines = ("disk full",)
            await lost(session)
            session.daemon.retry()
            await session.until(lambda: "did not start" in session.state.daemon.problem)
            assert session.state.daemon == DaemonState(
                problem="The daemon did not start\n\nSee the log.", log_lines=("disk full",)
            )
            session.server.connect_failure = None
            session.server.arrived.set()
            await session.until(lambda: session.state.daemon.connected)
            assert session.state.daemon.problem == ""

    async def test_the_daemon_is_stopped_and_restarted(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.daemon.stop()
            session.daemon.restart()
            await session.until(lambda: "Restarted the daemon" in session.notices)
            assert (session.server.stopped, session.server.restarted) == (1, 1)

    async def test_one_process_of_the_daemon_is_restarted_and_those_that_failed_are(self, tmp_path: Path) -> None:
        async with at_work(tmp_path) as session:
            session.daemon.restart_component("agent-runner")
            await session.until(lambda: "Restarted the agent runner; its runs continue" in session.notices)
            failed = Component("workflow-runner", ComponentState.FAILED, detail="it ended too often")
            session.server.statuses.put_nowait(DaemonState(connected=True, components=(failed,)))
            await session.until(lambda: bool(session.state.daemon.failed))
            session.daemon.restart_failed()
            await session.until(lambda: "Restarted the workflow runner; its runs continue" in session.notices)
            assert session.server.components == ["agent-runner", "workflow-runner"]

    async def test_what_is_found_on_a_server_that_cannot_list_is_in_the_list(self, tmp_path: Path) -> None:
        async with at_work(tmp_path, FakeServer(is_ours=False)) as session:
            assert known(session) == ["tally"]
            assert await session.find("nothing") is None
            assert await session.find("other") == OTHER
            assert known(session) == ["other", "tally"]
            session.start(OTHER, INPUT)
            await session.until(lambda: bool(session.server.following))
            assert [(run.id, run.state) for run in session.state.runs] == [("wfx_1", RunState.RUNNING)]
            session.server.end("wfx_1")
            await session.until(lambda: session.state.runs[0].state is RunState.COMPLETED)
