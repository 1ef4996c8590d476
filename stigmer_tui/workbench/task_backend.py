"""A server, and beside it the tasks of a folder, which coding agents of others work on.

A run of a task is a process of its own that the server keeps an execution of, so it continues when the workbench is
closed.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from pathlib import Path

from stigmer_tui.agent_clis.tasks import AUTO, find_task, load_tasks
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import TASK_PREFIX
from stigmer_tui.core.own_program import own_command
from stigmer_tui.core.units import duration_text
from stigmer_tui.workbench.backend import Lists
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.model import BUILT_IN, Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.servers import SessionServer
from stigmer_tui.workbench.state import RunInput


class BackendWithTasks(GrpcBackend):
    def __init__(self, server: SessionServer, organization: str, clock: Clock, folder: Path) -> None:
        super().__init__(server, organization, clock)
        self._folder = folder
        self._begun: list[subprocess.Popen[bytes]] = []
        """Processes of runs that were started here."""

    async def lists(self) -> Lists | None:
        lists = await super().lists()
        return lists and self._with_tasks(lists)

    async def watch_lists(self) -> AsyncGenerator[Lists, None]:
        async with aclosing(super().watch_lists()) as arriving:
            async for lists in arriving:
                self._begun = [process for process in self._begun if process.poll() is None]
                yield self._with_tasks(lists)

    def _with_tasks(self, lists: Lists) -> Lists:
        resources, runs = lists
        return (*resources, *self._tasks()), runs

    def _tasks(self) -> list[Resource]:
        with suppress(StigmerError):
            return [
                Resource(
                    *(ResourceKind.TASK, f"{TASK_PREFIX}{task.name}", task.name, task.name),
                    description=task.summary,
                    project=BUILT_IN if task.is_built_in else "",
                )
                for task in load_tasks(self._folder).values()
            ]
        return []

    async def create(self, resource: Resource, run_input: RunInput, session: str = "") -> Execution:
        if resource.kind is not ResourceKind.TASK:
            return await super().create(resource, run_input, session)
        task = find_task(self._folder, resource.name)
        environment = {**os.environ, **{name: value.text for name, value in run_input.environment.items()}}
        agents = run_input.message.replace(",", " ").split() or list(task.agents) or [AUTO]
        apart = ["--worktree"] if len(agents) > 1 else []
        begun = []
        for agent in dict.fromkeys(agents):
            command = own_command("task", "run", "--agent", agent, "--task", task.name, "--output", "json", *apart)
            begun.append(await _started(command, self._folder, environment, self._begun))
        # The others stand in the list of runs.
        return await self.open(Run(resource.kind, begun[0], resource.id, resource.slug, RunState.RUNNING))

    async def find(self, reference: str) -> Resource | Run | None:
        if task := next((task for task in self._tasks() if reference in (task.id, task.slug)), None):
            return task
        return await super().find(reference)

    async def preview(self, resource: Resource) -> Preview | None:
        if resource.kind is not ResourceKind.TASK:
            return await super().preview(resource)
        from stigmer_tui.definition.description import Fact

        task = find_task(self._folder, resource.name)
        facts = (
            Fact("Agents", ", ".join(task.agents) or AUTO),
            Fact("Commit", "required" if task.requires_commit else ""),
            Fact("Limit", duration_text(task.timeout) if task.timeout else ""),
            Fact("Folder", task.folder),
            Fact("Worktree", "its own" if task.worktree else ""),
        )
        return Preview(resource, tuple(fact for fact in facts if fact.value), instructions=task.prompt)


async def _started(
    command: list[str], folder: Path, environment: dict[str, str], begun: list[subprocess.Popen[bytes]]
) -> str:
    """Begins a run that outlives this process, and adds it to those that were begun. Returns the id of its execution.
    Raises StigmerError.
    """
    loop = asyncio.get_running_loop()
    # Not one of the event loop, which would kill it when the loop is closed.
    process = subprocess.Popen(  # noqa: ASYNC220
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    begun.append(process)
    reader = asyncio.StreamReader(limit=1 << 24)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), process.stdout)
    said = []
    try:
        while line := (await reader.readline()).decode(errors="replace").strip():
            if not line.startswith("{"):
                said.append(line)
            elif (event := json.loads(line))["event"] == "recorded":
                if not event["execution_id"]:
                    raise StigmerError(f"The task runs, but no server keeps it: {event['problem']}")
                return str(event["execution_id"])
    finally:
        # The runner does not mind that nobody reads on.
        transport.close()
    raise StigmerError("\n".join(said).removeprefix("Error: ") or "The task could not be begun")
