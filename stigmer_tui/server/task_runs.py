"""Runs of tasks by coding agents of others, as executions: the process of each run reports it (see task_run.proto).

They are in no queue: nobody else could work on them. One that is cancelled ends here, and its process hears of it.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from typing import cast

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionSpec, ExecutionConfig
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.kinds import AGENT_EXECUTION, API_VERSION
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment
from stigmer_tui.api.task_run_pb2 import TaskRun, TaskRunReport, TaskRunState
from stigmer_tui.core.ids import TASK_PREFIX
from stigmer_tui.definition import extensions
from stigmer_tui.server.background import Background
from stigmer_tui.server.errors import invalid
from stigmer_tui.server.execution_calls import ExecutionCalls
from stigmer_tui.server.execution_store import NewExecution
from stigmer_tui.server.executions import LiveExecution
from stigmer_tui.server.resources import note_created

RUNNER_GONE = "The process of this run is gone; its records tell how far it came"


class TaskRuns:
    def __init__(self, calls: ExecutionCalls, background: Background, absence_limit: float) -> None:
        """`absence_limit`: seconds without its process after which a run has failed."""
        self._calls = calls
        self._spawn = background.spawn
        self._absence_limit = absence_limit
        self._present: Counter[str] = Counter()
        """How many connections report on an execution: for a moment, an old one and its successor."""

    async def record(self, reports: AsyncIterator[TaskRunReport]) -> AsyncIterator[TaskRunState]:
        first = await anext(reports, None)
        if first is None or not first.begin.key or not first.begin.task:
            raise invalid("begin: must come first, with key and task")
        live = await self._begun(first.begin)
        self._present[live.id] += 1
        yield _state(live)
        taking = asyncio.create_task(self._take(live, reports))
        ended = asyncio.create_task(live.ended())
        try:
            await asyncio.wait((taking, ended), return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
            if live.phase.is_final:
                yield _state(live)
        finally:
            self._present[live.id] -= 1
            self._spawn(self._end_if_gone(live))
            taking.cancel()
            ended.cancel()
            await asyncio.wait((taking, ended))

    def resume(self) -> None:
        """Expects the processes of the runs that the previous server left unfinished."""
        for execution_id in self._calls.executions.store.unfinished_tasks():
            self._spawn(self._end_if_gone(self._calls.executions.open(execution_id)))

    async def _take(self, live: LiveExecution, reports: AsyncIterator[TaskRunReport]) -> None:
        async for report in reports:
            await self._calls.executions.change(live, report.delta)

    async def _begun(self, run: TaskRun) -> LiveExecution:
        """A new execution, or that of an earlier connection."""
        store = self._calls.executions.store
        if existing := store.of_request(AGENT_EXECUTION, run.key):
            return self._calls.executions.open(existing)
        execution = AgentExecution(
            api_version=API_VERSION,
            kind=AGENT_EXECUTION.name,
            metadata=ApiResourceMetadata(
                name=f"{run.task} by {run.agent}",
                org=run.org,
                annotations={extensions.TASK: run.task, extensions.RUN_FOLDER: run.run_folder},
            ),
            spec=AgentExecutionSpec(
                agent_id=f"{TASK_PREFIX}{run.task}",
                message=run.agent,
                execution_config=ExecutionConfig(model_name=run.model),
            ),
        )
        self._calls.name(AGENT_EXECUTION, execution.metadata)
        execution.status.phase = Phase.IN_PROGRESS.for_agent
        note_created(execution, self._calls.clock)
        new = NewExecution(execution, Assignment(), execution.spec.agent_id, run.task, request_key=run.key)
        try:
            await self._calls.executions.add(new)
        except sqlite3.IntegrityError:
            # Another connection of the same run was quicker.
            return self._calls.executions.open(cast("str", store.of_request(AGENT_EXECUTION, run.key)))
        return self._calls.executions.open(execution.metadata.id)

    async def _end_if_gone(self, live: LiveExecution) -> None:
        await live.rest(self._absence_limit)
        if not self._present[live.id]:
            del self._present[live.id]
            if not live.phase.is_final:
                await self._calls.executions.end(live, Phase.FAILED, RUNNER_GONE)


def _state(live: LiveExecution) -> TaskRunState:
    return TaskRunState(execution_id=live.id, phase=live.phase.for_agent)
