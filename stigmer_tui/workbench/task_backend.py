"""A server, and beside it the tasks of a folder, which coding agents of others work on without a server.

A run of a task is a process of its own that writes its records, so it continues when the workbench is closed, and is
shown again when it is opened.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from itertools import islice
from pathlib import Path

from stigmer_tui.agent_clis.records import RunRecord, is_alive, logs_of, read_record, read_runs
from stigmer_tui.agent_clis.table import agents_of
from stigmer_tui.agent_clis.tasks import AUTO, find_task, load_tasks
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.own_program import own_command
from stigmer_tui.core.paths import Home
from stigmer_tui.workbench.backend import Lists
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.model import BUILT_IN, Resource, ResourceKind, Run
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.servers import SessionServer
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.task_runs import PREFIX, TaskRunReader, folder_of, listed_task_run

MAX_RUNS = 20
"""Of tasks, the newest ones."""


class BackendWithTasks(GrpcBackend):
    def __init__(self, server: SessionServer, organization: str, clock: Clock, folder: Path, home: Home) -> None:
        super().__init__(server, organization, clock)
        self._folder = folder
        self._home = home
        self._logs = logs_of(home)
        self._readers: dict[str, TaskRunReader] = {}
        """Of the runs that were opened or started, by their ids."""
        self._begun: list[subprocess.Popen[bytes]] = []
        """Processes of runs that were started here."""
        self._changed = asyncio.Event()
        """The list of tasks, or of their runs, is another one."""

    # Lists

    async def lists(self) -> Lists | None:
        lists = await super().lists()
        return lists and self._with_tasks(lists)

    async def watch_lists(self) -> AsyncGenerator[Lists, None]:
        latest: Lists = ((), ())
        async with aclosing(super().watch_lists()) as arriving:
            arrived = asyncio.ensure_future(anext(arriving, None))
            changed = asyncio.ensure_future(self._changed.wait())
            try:
                while True:
                    await asyncio.wait({arrived, changed}, return_when=asyncio.FIRST_COMPLETED)
                    if arrived.done():
                        # What is wrong with the server is raised here.
                        if (lists := arrived.result()) is None:
                            return
                        latest = lists
                        arrived = asyncio.ensure_future(anext(arriving, None))
                    if changed.done():
                        self._changed.clear()
                        changed = asyncio.ensure_future(self._changed.wait())
                    yield self._with_tasks(latest)
            finally:
                arrived.cancel()
                changed.cancel()
                # The lists of the server can be closed only when nobody waits for them any more.
                await asyncio.wait({arrived, changed})

    def _with_tasks(self, lists: Lists) -> Lists:
        resources, runs = lists
        found = [listed_task_run(record) for _, record in islice(self._own_runs(), MAX_RUNS)]
        # As the server orders its own: the newest first.
        ordered = sorted((*runs, *found), key=lambda run: run.created_at.timestamp() if run.created_at else 0.0)
        return (*resources, *self._tasks()), tuple(reversed(ordered))

    def _own_runs(self) -> Iterator[tuple[Path, RunRecord]]:
        return (item for item in read_runs(self._logs) if item[1].project == str(self._folder))

    def _tasks(self) -> list[Resource]:
        with suppress(StigmerError):
            return [
                Resource(
                    *(ResourceKind.TASK, f"{PREFIX}{task.name}", task.name, task.name),
                    description=task.summary,
                    project=BUILT_IN if task.is_built_in else "",
                )
                for task in load_tasks(self._folder).values()
            ]
        return []

    # One run

    async def create(self, resource: Resource, run_input: RunInput, session: str = "") -> Execution:
        if resource.kind is not ResourceKind.TASK:
            return await super().create(resource, run_input, session)
        task = find_task(self._folder, resource.name)
        environment = {**os.environ, **{name: value.text for name, value in run_input.environment.items()}}
        agents = run_input.message.replace(",", " ").split() or list(task.agents) or [AUTO]
        apart = ["--worktree"] if len(agents) > 1 else []
        readers = []
        for agent in dict.fromkeys(agents):
            command = own_command("task", "run", "--agent", agent, "--task", task.name, "--output", "json", *apart)
            readers.append(self._reader(Path(await _started(command, self._folder, environment, self._begun))))
        # The others stand in the list of runs.
        reader = readers[0]
        self._changed.set()
        return reader.execution

    async def open(self, run: Run) -> Execution:
        if run.kind is not ResourceKind.TASK:
            return await super().open(run)
        reader = self._reader(folder_of(self._logs, run.id))
        await asyncio.to_thread(reader.read)
        return reader.execution

    async def follow(
        self,
        execution: Execution,
        changed: Callable[[], None],
        interrupted: Callable[[], None],
        interval_ms: int,
    ) -> None:
        if execution.kind is not ResourceKind.TASK:
            await super().follow(execution, changed, interrupted, interval_ms)
            return
        await self._readers[execution.id].follow(changed)
        self._begun = [process for process in self._begun if process.poll() is None]
        self._changed.set()

    async def cancel(self, execution_id: str, reason: str) -> None:
        if not execution_id.startswith(PREFIX):
            await super().cancel(execution_id, reason)
            return
        record = read_record(folder_of(self._logs, execution_id))
        if record is not None and record.end_time is None and is_alive(record):
            os.kill(record.pid, signal.SIGTERM)

    async def find(self, reference: str) -> Resource | Run | None:
        if task := next((task for task in self._tasks() if reference in (task.id, task.slug)), None):
            return task
        return await super().find(reference)

    async def preview(self, resource: Resource) -> Preview | None:
        if resource.kind is not ResourceKind.TASK:
            return await super().preview(resource)
        from stigmer_tui.definition.description import Fact

        task = find_task(self._folder, resource.name)
        facts = (Fact("Agents", ", ".join(task.agents) or AUTO), Fact("Folder", task.folder))
        return Preview(resource, tuple(fact for fact in facts if fact.value), instructions=task.prompt)

    def _reader(self, folder: Path) -> TaskRunReader:
        record = read_record(folder)
        if record is None:
            raise StigmerError(f"The records of this run are gone: {folder}")
        agents = agents_of(ConfigurationFile.read(self._home.configuration))
        reader = TaskRunReader(folder, agents.get(record.agent), self._clock)
        self._readers[reader.execution.id] = reader
        return reader


async def _started(
    command: list[str], folder: Path, environment: dict[str, str], begun: list[subprocess.Popen[bytes]]
) -> str:
    """Begins a run that outlives this process, and adds it to those that were begun. Returns the folder of its records.
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
            if line.startswith("{") and (event := json.loads(line))["event"] == "started":
                return str(event["run_folder"])
            said.append(line)
    finally:
        # The runner does not mind that nobody reads on.
        transport.close()
    raise StigmerError("\n".join(said).removeprefix("Error: ") or "The task could not be begun")
