"""A run of a task of which no server wants to know."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.agent_clis.records import RunRecord
from stigmer_tui.agent_clis.run import Begun, Ended
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.paths import Home
from stigmer_tui.workbench import task_recorder
from stigmer_tui.workbench.servers import NamedServer
from stigmer_tui.workbench.task_recorder import TaskRecorder
from tests.server.conftest import running
from tests.workbench.stage import StoppedClock


async def recorded(address: str, folder: Path) -> list[tuple[str, str, str]]:
    """What a run that ends at once is told of its execution."""
    told: list[tuple[str, str, str]] = []
    server = NamedServer(Context("", address), Home(folder))
    recorder = TaskRecorder(server, "local", "tidy", "Tidy up.", StoppedClock(), lambda *what: told.append(what))
    recorder.take(Begun("claude", folder, ["claude"]))
    recorder.take(Ended(RunRecord("1", "claude", "tidy", "2026-02-19T00:00:00Z", exit_code=0), folder))
    await recorder.close()
    return told


async def test_a_server_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_recorder, "CLOSING_LIMIT", 0.1)
    assert await recorded("127.0.0.1:1", tmp_path) == [("claude", "", "it did not answer until the run had ended")]


async def test_an_existing_server_that_knows_no_runs_of_tasks(tmp_path: Path) -> None:
    async with running(tmp_path, plain=True) as api:
        ((agent, execution, problem),) = await recorded(api.server.address, tmp_path)
    assert (agent, execution) == ("claude", "")
    assert problem
