"""All that a project defines, run at the same time."""

from __future__ import annotations

from pathlib import Path

from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.run_group import RunGroup
from stigmer_tui.workbench.state import RunInput
from tests.workbench.stage import OTHER, TALLY, FakeCode, StagedSession, at_work

BOTH = FakeCode(defined=(TALLY, OTHER))


async def begun(session: StagedSession) -> RunGroup:
    group = session.all_runs.group()
    session.all_runs.begin(group)
    await session.until(lambda: all(run.execution for run in group.runs))
    return group


async def test_each_is_run_with_its_last_input_and_none_is_shown(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=BOTH) as session:
        session.start(TALLY, RunInput("once"))
        await session.until(lambda: session.state.shown is not None)
        group = await begun(session)
        assert sorted((slug, given.message) for slug, given in session.server.created[1:]) == [
            ("other", ""),
            ("tally", "once"),
        ]
        assert session.shown.execution.id == "wfx_1"
        assert [run.resource.slug for run in group.runs] == ["tally", "other"]


async def test_it_is_over_when_all_have_ended_and_the_next_is_another_one(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=BOTH) as session:
        group = await begun(session)
        session.server.end("wfx_1", RunState.FAILED)
        await session.settled()
        assert not group.is_over
        assert session.all_runs.group() is group
        session.server.end("wfx_2")
        await session.until(lambda: group.is_over)
        assert {run.state for run in group.runs} == {RunState.FAILED, RunState.COMPLETED}
        assert session.all_runs.group() is not group


async def test_one_of_them_is_cancelled_alone(tmp_path: Path) -> None:
    async with at_work(tmp_path, code=BOTH) as session:
        group = await begun(session)
        session.all_runs.cancel(group.runs[1], "enough")
        await session.until(lambda: group.runs[1].state is RunState.CANCELLED)
        assert group.runs[0].state is RunState.RUNNING
