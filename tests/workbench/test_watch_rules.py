"""What a save does with what is shown: when it runs again, and what becomes of a run that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.core.watch_rules import Queueing, WatchRules, When
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.state import RunInput
from tests.workbench.stage import OTHER, TALLY, FakeCode, StagedSession, at_work


async def tally_shown(session: StagedSession, *, is_over: bool) -> None:
    session.start(TALLY, RunInput("once"))
    await session.until(lambda: session.state.shown is not None)
    if is_over:
        session.server.end("wfx_1")
        await session.until(lambda: session.shown.execution.state.is_final)


async def save(session: StagedSession) -> None:
    before = session.code.runs
    session.watcher.save()
    session.watcher.notice()
    await session.deployed(before + 1)


def count(session: StagedSession) -> int:
    return len(session.server.created)


@pytest.mark.parametrize(
    ("when", "affected", "runs"),
    [
        (When.CHANGED, TALLY, 2),
        (When.CHANGED, OTHER, 1),
        (When.ALWAYS, OTHER, 2),
        (When.NEVER, TALLY, 1),
    ],
)
async def test_when_what_is_shown_runs_again(tmp_path: Path, when: When, affected: Resource, runs: int) -> None:
    async with at_work(tmp_path, code=FakeCode((affected,), rules=WatchRules(when))) as session:
        await tally_shown(session, is_over=True)
        await save(session)
        assert count(session) == runs


@pytest.mark.parametrize(
    ("queueing", "runs", "cancelled", "consequence"),
    [
        (Queueing.RESTART, 2, ["wfx_1"], " · running tally again"),
        (Queueing.QUEUE, 1, [], " · tally runs again when this run has ended"),
        (Queueing.IGNORE, 1, [], ""),
    ],
)
async def test_what_becomes_of_a_run_that_goes_on(
    tmp_path: Path, queueing: Queueing, runs: int, cancelled: list[str], consequence: str
) -> None:
    async with at_work(tmp_path, code=FakeCode(rules=WatchRules(queueing=queueing))) as session:
        await tally_shown(session, is_over=False)
        await save(session)
        assert (count(session), session.server.cancelled) == (runs, cancelled)
        assert session.notices[-1] == f"Saved main.py · 1 updated{consequence}"


async def test_many_saves_behind_one_run_are_one_run(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(rules=WatchRules(queueing=Queueing.QUEUE))) as session:
        await tally_shown(session, is_over=False)
        for _ in range(3):
            await save(session)
        session.server.end("wfx_1")
        await session.until(lambda: session.shown.execution.id == "wfx_2")
        session.server.end("wfx_2")
        await session.until(lambda: session.shown.execution.state.is_final)
        await session.settled()
        assert (count(session), session.server.cancelled) == (2, [])


async def test_what_waits_is_not_run_when_a_person_looks_at_something_else(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(rules=WatchRules(queueing=Queueing.QUEUE))) as session:
        await tally_shown(session, is_over=False)
        await save(session)
        session.start(OTHER, RunInput())
        await session.until(lambda: session.shown.resource == OTHER)
        session.server.end("wfx_1")
        await session.settled()
        assert [slug for slug, _ in session.server.created] == ["tally", "other"]


async def test_after_a_run_that_has_ended_nothing_waits(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(rules=WatchRules(queueing=Queueing.QUEUE))) as session:
        await tally_shown(session, is_over=True)
        await save(session)
        assert count(session) == 2


async def test_a_person_chooses_over_the_project_for_this_session(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=FakeCode(rules=WatchRules(When.NEVER))) as session:
        assert session.project.watch_rules == WatchRules(When.NEVER)
        await tally_shown(session, is_over=True)
        session.choose_watch_rules(when=When.CHANGED)
        await save(session)
        assert (count(session), session.project.watch_rules) == (2, WatchRules(When.CHANGED))
