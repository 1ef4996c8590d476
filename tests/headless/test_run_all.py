"""All resources of a project at the same time: what is started and cancelled, the exit code, and what is shown."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from stigmer_tui.core.redaction import Redactor
from stigmer_tui.headless.approvals import Approvals, OnApproval, nobody_to_ask
from stigmer_tui.headless.exit_code import COMPLETED, FAILED, INTERRUPTED
from stigmer_tui.headless.json_output import JsonOutput
from stigmer_tui.headless.run_all import RunAll, RunLine
from stigmer_tui.headless.run_all_views import Block, JsonLines, PlainLines
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.state import RunInput
from tests.headless.test_run import RecordedOutput
from tests.workbench.stage import LIMIT, OTHER, TALLY, FakeCode, FakeServer, StagedSession, StoppedClock
from tests.workbench.trees import change, put, task


class RecordedView:
    def __init__(self) -> None:
        self.news: list[str] = []

    def begin(self, lines: Sequence[RunLine]) -> None:
        self.news.append(f"begin {len(lines)}")

    def started(self, line: RunLine) -> None:
        self.news.append(f"{line.resource.slug} started")

    def changed(self, line: RunLine) -> None:
        return

    def ended(self, line: RunLine) -> None:
        self.news.append(f"{line.resource.slug} {line.state}")

    def finish(self, lines: Sequence[RunLine]) -> None:
        self.news.append("finish")


class Command:
    def __init__(self, folder: Path, code: FakeCode | None = None, detach: bool = False) -> None:
        (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
        self.session = StagedSession(folder, FakeServer(), code or FakeCode(defined=(TALLY, OTHER)))
        self.server, self.output, self.view = self.session.server, RecordedOutput(), RecordedView()
        self.interrupted = asyncio.Event()
        run = RunAll(RunInput("once"), self.session, self.output, self.view, self.interrupted, detach)
        self.task = asyncio.create_task(run.run())

    async def following(self, *executions: str) -> None:
        await self.session.until(lambda: self.server.following == {*executions} or self.task.done())
        assert self.server.following == {*executions}

    async def ends(self) -> int:
        async with asyncio.timeout(LIMIT):
            return await self.task


@pytest.mark.parametrize(("last", "code"), [(RunState.COMPLETED, COMPLETED), (RunState.FAILED, FAILED)])
async def test_all_run_at_the_same_time_and_one_failure_is_the_exit_code(
    tmp_path: Path, last: RunState, code: int
) -> None:
    command = Command(tmp_path)
    await command.following("wfx_1", "wfx_2")
    assert [slug for slug, _ in command.server.created] == [TALLY.slug, OTHER.slug]
    command.server.end("wfx_2")
    await command.following("wfx_1")
    command.server.end("wfx_1", last)
    assert await command.ends() == code
    assert command.view.news == [
        "begin 2",
        *(f"{slug} started" for slug in (TALLY.slug, OTHER.slug)),
        f"{OTHER.slug} completed",
        f"{TALLY.slug} {last}",
        "finish",
    ]


async def test_an_interrupt_cancels_all_that_goes_on(tmp_path: Path) -> None:
    command = Command(tmp_path)
    await command.following("wfx_1", "wfx_2")
    command.server.end("wfx_1")
    await command.following("wfx_2")
    command.interrupted.set()
    assert await command.ends() == INTERRUPTED
    assert command.server.cancelled == ["wfx_2"]
    assert command.view.news[-2:] == [f"{OTHER.slug} cancelled", "finish"]


async def test_an_interrupt_leaves_them_to_themselves_if_that_is_wanted(tmp_path: Path) -> None:
    command = Command(tmp_path, detach=True)
    await command.following("wfx_1", "wfx_2")
    command.interrupted.set()
    assert await command.ends() == INTERRUPTED
    assert command.server.cancelled == []


async def test_a_project_without_anything_to_run_is_told(tmp_path: Path) -> None:
    command = Command(tmp_path, FakeCode(defined=()))
    assert await command.ends() == FAILED
    assert command.output.errors == ["There is nothing to run: neither a workflow nor an agent"]


def unused_approvals() -> Approvals:
    return Approvals(StagedSession(Path(), FakeServer(), FakeCode()), OnApproval.DENY, nobody_to_ask)


def a_line(name: str, state: RunState = RunState.RUNNING, error: str = "") -> RunLine:
    clock = StoppedClock()
    started_at = clock.now() - timedelta(seconds=3)
    execution = Execution(ResourceKind.WORKFLOW, f"wfx_{name}", name, "", state, error, started_at)
    if state.is_final:
        change(execution, completed_at=clock.now())
    return RunLine(Resource(ResourceKind.WORKFLOW, f"wf_{name}", name, name), execution, approvals=unused_approvals())


def test_a_line_says_what_its_run_is_at() -> None:
    line = a_line("tally")
    assert line.execution
    put(line.execution, task("/fetch", "fetch", state=RunState.RUNNING))
    line.update()
    assert line.activity == "fetch"


def test_in_a_pipe_each_start_and_each_end_is_a_line_and_a_table_ends_it() -> None:
    printed: list[str] = []
    view = PlainLines(printed.append)
    lines = [a_line("tally", RunState.COMPLETED), a_line("other", RunState.FAILED, "no such file\nsee the log")]
    view.started(lines[0])
    view.ended(lines[1])
    view.finish(lines)
    assert printed == [
        "▸ tally started (workflow) wfx_tally",
        "✗ other failed in 3.0 s: no such file see the log",
        "",
        "RESULT     TYPE      NAME   TOOK   ID         ERROR",
        "completed  workflow  tally  3.0 s  wfx_tally",
        "failed     workflow  other  3.0 s  wfx_other  no such file see the log",
        "",
        "1 completed, 1 failed",
    ]


def test_on_a_terminal_the_lines_are_drawn_in_place_and_no_more_than_there_is_room_for() -> None:
    written: list[str] = []
    view = Block(written.append, lambda: (40, 4), lambda text, columns: text[:columns].ljust(columns), StoppedClock())
    lines = [a_line("a", RunState.COMPLETED), a_line("b"), a_line("c")]
    view.begin(lines)
    first = written[-1]
    assert [name for name in "abc" if f" {name}  " in first] == ["b", "c"]
    assert max(len(row) for row in first.replace("\r\x1b[J", "").split("\n")) <= 40
    view.changed(lines[1])
    assert written[-1].startswith("\r\x1b[2A\x1b[J")
    view.finish(lines)
    assert written[-1].startswith("\r\x1b[2A\x1b[JRESULT")
    count = len(written)
    view.tick()
    assert len(written) == count


def test_programs_get_an_event_for_each_start_and_each_end() -> None:
    out = io.StringIO()
    view = JsonLines(JsonOutput(out, io.StringIO(), Redactor(()), StoppedClock()))
    refused = RunLine(TALLY, approvals=unused_approvals(), refusal="the server is full")
    for line in (a_line("a", RunState.COMPLETED), refused):
        view.started(line)
        view.ended(line)
    events = [json.loads(text) for text in out.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["started", "completed", "refused"]
    assert events[1]["execution_id"] == "wfx_a"
    assert events[2]["message"] == "the server is full"
