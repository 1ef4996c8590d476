"""Point 13: tools that work with files can be stopped, and nothing of them lives on."""

from __future__ import annotations

import asyncio
import threading

import pytest

from stigmer_tui.agents.sandbox import folder as folders
from stigmer_tui.agents.sandbox import stopping
from stigmer_tui.agents.sandbox.stopping import checkpoint, run_stoppable
from stigmer_tui.agents.tools import folder_tools
from stigmer_tui.api.agent_execution_pb2 import ToolCallStatus
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.runners.lease import StopReason
from tests.agents.conftest import Agents, assignment
from tests.agents.ledger import Ledger


class Endless:
    """Work that never ends by itself."""

    def __init__(self) -> None:
        self.has_begun = threading.Event()
        self.has_stopped = threading.Event()

    def __call__(self) -> None:
        self.has_begun.set()
        try:
            while True:
                checkpoint()
        finally:
            self.has_stopped.set()


async def test_13_work_that_is_cancelled_has_stopped_when_the_cancellation_is_seen() -> None:
    work = Endless()
    task = asyncio.create_task(run_stoppable(work, limit=60))
    await asyncio.to_thread(work.has_begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.has_stopped.is_set()


async def test_13_work_that_takes_too_long_is_stopped_in_words() -> None:
    work = Endless()
    with pytest.raises(StigmerError, match="not done within 10 ms"):
        await run_stoppable(work, limit=0.01)
    assert work.has_stopped.is_set()


async def test_13_work_that_hangs_in_the_system_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "MAX_STEP", 0.01)
    begun, release = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        release.wait(20)

    task = asyncio.create_task(run_stoppable(hang, limit=60))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    release.set()


async def test_work_gives_its_result_and_its_errors() -> None:
    def fail() -> None:
        raise StigmerError("no")

    assert await run_stoppable(lambda: 3, limit=60) == 3
    with pytest.raises(StigmerError, match="no"):
        await run_stoppable(fail, limit=60)


SEARCHES = {
    "ls": "{path: /}",
    "glob": '{pattern: "**/x"}',
    "grep": "{pattern: x}",
}


@pytest.mark.parametrize("tool", SEARCHES)
async def test_13_a_cancelled_run_leaves_no_search_behind(
    agents: Agents, tool: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder whose entries never come to an end."""
    work = Endless()
    monkeypatch.setattr(folders, "checkpoint", work)
    agents.folder.mkdir(parents=True)
    (agents.folder / "a.txt").write_text("a")
    ledger = Ledger()
    lease = agents.start(assignment(f"turns: [{{call: {{{tool}: {SEARCHES[tool]}}}}}, {{say: done}}]"), ledger)
    await asyncio.to_thread(work.has_begun.wait, 10)
    lease.stop(StopReason.CANCELLED)
    assert lease.task is not None
    await lease.task
    assert work.has_stopped.is_set()
    assert ledger.phase is Phase.CANCELLED
    assert ledger.calls[0].status == ToolCallStatus.TOOL_CALL_FAILED


async def test_13_a_search_that_takes_too_long_is_a_failed_call(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_tools, "TIME_LIMIT", 0.01)
    monkeypatch.setattr(folders, "checkpoint", Endless())
    agents.folder.mkdir(parents=True)
    (agents.folder / "a.txt").write_text("a")
    ledger = await agents.run(assignment('turns: [{call: {glob: {pattern: "**"}}}, {say: done, delay: 0}]'))
    assert ledger.calls[0].error.startswith("not done within")
    assert ledger.phase is Phase.COMPLETED
