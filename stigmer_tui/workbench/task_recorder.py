"""Has the server keep a run of a task as an execution, while it goes on; whatever becomes of that, the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

from grpc.aio import Channel

from stigmer_tui.agent_clis.records import PATCH
from stigmer_tui.agent_clis.run import Begun, Ended, Happened
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.task_run_pb2 import TaskRun, TaskRunReport, TaskRunState
from stigmer_tui.api.task_run_pb2_grpc import TaskRunControllerStub
from stigmer_tui.client.connection import Connection, StreamInterrupted, resumed
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.servers import SessionServer
from stigmer_tui.workbench.task_reports import TaskReports

INTERVAL = 0.05
"""Seconds from one message to the server to the next."""
BATCH = 200
"""Deltas in one message."""
CLOSING_LIMIT = 10.0
"""Seconds to wait for the server when the run has ended."""

OnRecorded = Callable[[str, str, str], None]
"""Gets the agent, and the id of its execution or why there is none."""


class TaskRecorder:
    """Of all agents that work on a task at the same time."""

    def __init__(
        self,
        server: SessionServer,
        organization: str,
        task: str,
        prompt: str,
        clock: Clock,
        recorded: OnRecorded,
    ) -> None:
        self._server = server
        self._connection = Connection(server.locate)
        self._organization = organization
        self._task = task
        self._prompt = prompt
        self._clock = clock
        self._recorded = recorded
        self._runs: dict[str, _RecordedRun] = {}
        """By the agent."""

    def take(self, report: Begun | Happened | Ended) -> None:
        """Called in the task of the run, which is cancelled when its execution is."""
        match report:
            case Begun(agent, run_folder, _):
                begin = TaskRun(
                    key=f"task-run:{run_folder}",
                    org=self._organization,
                    task=self._task,
                    agent=agent,
                    model=report.model,
                    run_folder=str(run_folder),
                )
                reports = TaskReports(agent, report.model, self._prompt, str(run_folder))
                run = self._runs[agent] = _RecordedRun(
                    self._server, self._connection, begin, asyncio.current_task(), self._recorded
                )
                run.add(reports.begun(self._clock.now()))
                run.reports = reports
            case Happened(agent, event):
                run = self._runs[agent]
                run.add(run.reports.happened(event, self._clock.now()))
            case Ended(record, run_folder) if record.agent in self._runs:
                run = self._runs[record.agent]
                run.add(run.reports.ended(record, _patch_in(run_folder), self._clock.now()), is_last=True)

    async def close(self) -> None:
        """Waits, for a while, until the server has all that was reported."""
        working = [run.working for run in self._runs.values()]
        if working:
            await asyncio.wait(working, timeout=CLOSING_LIMIT)
        for agent, run in self._runs.items():
            if not run.working.done():
                run.working.cancel()
                self._recorded(agent, "", "it did not answer until the run had ended")
        await asyncio.gather(*working, return_exceptions=True)
        await self._connection.close()


class _RecordedRun:
    reports: TaskReports

    def __init__(
        self,
        server: SessionServer,
        connection: Connection,
        begin: TaskRun,
        run: asyncio.Task[object] | None,
        recorded: OnRecorded,
    ) -> None:
        self._server = server
        self._connection = connection
        self._begin = begin
        self._run = run
        self._recorded = recorded
        self._deltas: list[AgentExecutionDelta] = []
        self._more = asyncio.Event()
        self._has_ended = False
        self._is_known = False
        self.working = asyncio.create_task(self._work())

    def add(self, delta: AgentExecutionDelta, is_last: bool = False) -> None:
        self._deltas.append(delta)
        self._has_ended = is_last
        self._more.set()

    async def _work(self) -> None:
        while True:
            try:
                await self._report()
                break
            except StigmerError as error:
                if not self._is_known:
                    self._recorded(self._begin.agent, "", str(error))
                    return
                # It was stopped, and may be started again while the run goes on.
                await self._server.wait()
                self._server.search_anew()
        if not self._has_ended and self._run:
            # Somebody has cancelled the execution.
            self._run.cancel()

    async def _report(self) -> None:
        """Until the execution has ended. Raises StigmerError when the server refuses, or is stopped."""
        async with aclosing(resumed(self._connection, self._stream)) as states:
            async for state in states:
                if isinstance(state, StreamInterrupted):
                    continue
                if not self._is_known:
                    self._is_known = True
                    self._recorded(self._begin.agent, state.execution_id, "")
                if Phase(state.phase).is_final:
                    return

    def _stream(self, channel: Channel) -> AsyncIterator[TaskRunState]:
        return aiter(TaskRunControllerStub(channel).record(self._messages()))

    async def _messages(self) -> AsyncIterator[TaskRunReport]:
        """All of it: a server that was restarted, or is another one, may lack anything."""
        yield TaskRunReport(begin=self._begin)
        sent = 0
        while True:
            while sent == len(self._deltas):
                self._more.clear()
                await self._more.wait()
            delta = AgentExecutionDelta()
            batch = self._deltas[sent : sent + BATCH]
            for each in batch:
                delta.MergeFrom(each)
            sent += len(batch)
            yield TaskRunReport(delta=delta)
            await asyncio.sleep(INTERVAL)


def _patch_in(run_folder: Path) -> str:
    """What was committed; empty if nothing was."""
    try:
        return (run_folder / PATCH).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
