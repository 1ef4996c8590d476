"""Tasks for coding agents of others, in the terms of the model: real runs of a stand-in, which speaks like claude."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from stigmer_tui.agent_clis.tasks import BUILT_IN as BUILT_IN_TASKS
from stigmer_tui.core import settings
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.workbench.changed_files import CHANGES
from stigmer_tui.workbench.execution_tree import Execution, run_of
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.nodes import NodeKind, Role
from stigmer_tui.workbench.servers import NamedServer
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.task_backend import BackendWithTasks
from tests.server.conftest import running
from tests.workbench.stage import StoppedClock

CALL = {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "ls"}}
RESULT = {"type": "tool_result", "tool_use_id": "c1", "content": "main.py"}
LINES = [
    {"type": "assistant", "message": {"content": [CALL]}},
    {"type": "user", "message": {"content": [RESULT]}},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": "There is one file."}]}},
    {"type": "result", "is_error": False, "usage": {"input_tokens": 90, "output_tokens": 10}, "total_cost_usd": 0.25},
]
QUICK = "\n".join(["echo 'a warning'", *(f"echo '{json.dumps(line)}'" for line in LINES)])
ENDLESS = "echo begun; exec sleep 600"

CONFIGURATION = """
agent_clis:
  stand-in:
    command: [sh, stand-in.sh, "{prompt}"]
    format: claude
"""


@asynccontextmanager
async def folder_with(script: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BackendWithTasks]:
    """A project with the task `tidy`, and a stand-in that runs this script."""
    home, folder = Home(root / "home"), root / "shop"
    (folder / "tasks").mkdir(parents=True)
    (folder / "tasks" / "tidy.md").write_text("---\nagents: [stand-in]\n---\nTidy up.\n", encoding="utf-8")
    (folder / "stand-in.sh").write_text(script, encoding="utf-8")
    home.root.mkdir()
    home.configuration.write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.setenv("STIGMER_HOME", str(home.root))
    async with running(root / "server") as api:
        monkeypatch.setenv(settings.SERVER.variable, api.server.address)
        backend = BackendWithTasks(NamedServer(Context("", api.server.address), home), "local", StoppedClock(), folder)
        try:
            yield backend
        finally:
            await backend.close()


async def tidy(backend: BackendWithTasks) -> Resource:
    found = await backend.find("tidy")
    assert isinstance(found, Resource)
    return found


async def followed(backend: BackendWithTasks, execution: Execution) -> Execution:
    async with asyncio.timeout(60):
        await backend.follow(execution, lambda: None, lambda: None, 0)
    return execution


async def test_a_run_is_followed_and_can_be_opened_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with folder_with(QUICK, tmp_path, monkeypatch) as backend:
        task = await tidy(backend)
        assert (task.kind, task.description) == (ResourceKind.TASK, "Tidy up.")
        live = await followed(backend, await backend.create(task, RunInput()))
        opened = await backend.open(run_of(live, task.id))
        for execution in (live, opened):
            assert (execution.state, execution.resource, execution.message) == (RunState.COMPLETED, "tidy", "stand-in")
            said = [(message.role, message.text) for message in execution.messages() if message.text]
            assert said == [
                (Role.HUMAN, "Tidy up."),
                (Role.SYSTEM, "a warning"),
                (Role.AGENT, "There is one file."),
            ]
            [call] = [node for _, node in execution.nodes() if node.kind is NodeKind.TOOL_CALL]
            assert (call.name, call.input, call.output, call.state) == (
                "Bash",
                {"command": "ls"},
                "main.py",
                RunState.COMPLETED,
            )
            assert (execution.usage.input_tokens, execution.usage.output_tokens) == (90, 10)
        lists = await backend.lists()
        assert lists is not None
        _, runs = lists
        assert [(run.resource, run.message, run.state) for run in runs] == [("tidy", "stand-in", RunState.COMPLETED)]


async def test_a_run_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with folder_with(ENDLESS, tmp_path, monkeypatch) as backend:
        execution = await backend.create(await tidy(backend), RunInput())
        await backend.cancel(execution.id, "enough")
        await followed(backend, execution)
        assert (execution.state, execution.error) == (RunState.CANCELLED, "enough")


async def test_an_agent_that_is_not_there_is_refused_with_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with folder_with(QUICK, tmp_path, monkeypatch) as backend:
        with pytest.raises(StigmerError, match="There is no agent nobody"):
            await backend.create(await tidy(backend), RunInput("nobody"))


async def test_a_run_that_is_begun_stands_in_the_watched_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with folder_with(ENDLESS, tmp_path, monkeypatch) as backend, aclosing(backend.watch_lists()) as watched:
        task = await tidy(backend)
        async with asyncio.timeout(60):
            resources, runs = await anext(watched)
            assert (resources[-1], runs) == (task, ())
            assert {each.slug for each in resources[:-1]} == set(BUILT_IN_TASKS)
            execution = await backend.create(task, RunInput())
            while not runs:
                _, runs = await anext(watched)
        assert [(run.id, run.kind, run.resource_id) for run in runs] == [(execution.id, ResourceKind.TASK, task.id)]
        await backend.cancel(execution.id, "enough")
        await followed(backend, execution)


async def test_what_was_committed_is_a_part_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    who = {f"GIT_{role}_{what}": "agent@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for name, value in who.items():
        monkeypatch.setenv(name, value)
    script = "echo smoke > smoke.txt; git add smoke.txt; git commit -q -m 'Add smoke.txt'"
    async with folder_with(script, tmp_path, monkeypatch) as backend:
        for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "First"]):
            subprocess.run(["git", *arguments], cwd=tmp_path / "shop", check=True)  # noqa: ASYNC221 - it is quick
        execution = await followed(backend, await backend.create(await tidy(backend), RunInput()))
        [call] = [node for _, node in execution.nodes() if node.kind is NodeKind.TOOL_CALL]
        assert call.name == CHANGES
        assert (call.input["files"], call.input["insertions"]) == (1, 1)
        assert "+smoke" in call.output
