"""A world for executions: a clock that jumps, a lease that remembers its reports, a journal on disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn

import httpx2
from grpc.aio import Channel

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.execution_pb2 import WorkflowExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    ReportRequest,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
    WorkflowAssignment,
)
from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution, WorkflowExecutionSpec, WorkflowTaskStatus
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTask as TaskMessage
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowSpec
from stigmer_tui.runners.journal import Journal
from stigmer_tui.runners.lease import Lease, ServerCalls, Work
from stigmer_tui.workflow.embedded.resources import EngineResources
from stigmer_tui.workflow.evaluator import Evaluator
from stigmer_tui.workflow.execution import execute
from stigmer_tui.workflow.http_client import HttpClient
from tests import jq_here

EXECUTION = "wfx_01k9zzzzzzzzzzzzzzzzzzzzzz"
SSL_CONTEXT = httpx2.create_ssl_context()


class JumpingClock:
    """Time passes only in sleep, and then at once. The time of day can be set: `moment`."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
        self.elapsed = 0.0
        self.slept: list[float] = []
        self.stop_at = 0
        """From which sleep on nobody wakes up again; 0 for never."""
        self.stopped = asyncio.Event()

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if 0 < self.stop_at <= len(self.slept):
            self.stopped.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)
        self.elapsed += seconds
        self.moment += timedelta(seconds=seconds)


class LocalEvaluator(Evaluator):
    """Spares the tests a process each."""

    async def run(self, program: str, inputs: str) -> str:
        return jq_here.run(program, inputs)


@dataclass(slots=True)
class Reported:
    """What a server would have made of the reports."""

    phases: list[Phase] = field(default_factory=list)
    error: str = ""
    output: Any = None
    started_at: str = ""
    completed_at: str = ""
    tasks: dict[str, TaskMessage] = field(default_factory=dict)
    deltas: list[WorkflowExecutionDelta] = field(default_factory=list)

    def take_in(self, delta: WorkflowExecutionDelta) -> None:
        self.deltas.append(delta)
        if delta.HasField("phase"):
            self.phases.append(Phase(delta.phase))
        self.error = delta.error or self.error
        self.started_at = delta.started_at or self.started_at
        self.completed_at = delta.completed_at or self.completed_at
        if delta.HasField("output"):
            self.output = to_data(delta.output)
        for task in delta.tasks:
            self.tasks[task.task_id] = task

    @property
    def phase(self) -> Phase:
        return self.phases[-1]

    @property
    def statuses(self) -> dict[str, str]:
        return {
            path: WorkflowTaskStatus.Name(task.status).removeprefix("WORKFLOW_TASK_").lower()
            for path, task in self.tasks.items()
        }

    def output_of(self, path: str) -> Any:
        return to_data(self.tasks[path].output) if self.tasks[path].HasField("output") else None

    def input_of(self, path: str) -> Any:
        return to_data(self.tasks[path].input)

    def metadata(self, path: str) -> dict[str, Any]:
        return to_data(self.tasks[path].metadata) if path in self.tasks else {}

    @property
    def text(self) -> str:
        """Everything that was ever reported."""
        return "".join(map(str, self.deltas))


async def no_agents(request: StartAgentRequest) -> AgentExecution:
    raise AssertionError("no agent was to be called")


async def no_workflows(request: StartWorkflowRequest) -> WorkflowExecution:
    raise AssertionError("no workflow was to be started")


@dataclass(slots=True)
class World:
    journal_path: Path
    channel: Channel
    clock: JumpingClock = field(default_factory=JumpingClock)
    evaluator: Evaluator = field(default_factory=LocalEvaluator)
    reported: Reported = field(default_factory=Reported)
    agent: Callable[[StartAgentRequest], Awaitable[AgentExecution]] = field(default=no_agents)
    workflow: Callable[[StartWorkflowRequest], Awaitable[WorkflowExecution]] = field(default=no_workflows)

    def renew(self, journal: str) -> None:
        """For another execution: nothing journaled, nothing reported."""
        self.journal_path = self.journal_path.with_name(journal)
        self.reported = Reported()

    def lease(
        self,
        spec: WorkflowSpec,
        environment: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        message: str = "",
    ) -> Lease:
        values = {name: ExecutionValue(value=value) for name, value in (environment or {}).items()}
        values |= {name: ExecutionValue(value=value, is_secret=True) for name, value in (secrets or {}).items()}
        execution = WorkflowExecution(
            metadata=ApiResourceMetadata(id=EXECUTION, org="acme"),
            spec=WorkflowExecutionSpec(trigger_message=message, trigger_metadata={"by": "test"} if message else {}),
        )
        work = WorkflowAssignment(execution=execution, workflow=Workflow(spec=spec))
        calls = ServerCalls(self._send, self._start_agent, self.workflow, run_sub_agent=self._run_sub_agent)
        return Lease(Assignment(lease_id="lease", environment=values, workflow=work), calls, self.clock)

    async def run(self, spec: WorkflowSpec, **options: Any) -> Reported:
        """One run in one process, to its end."""
        await self.work_on(self.lease(spec, **options))
        return self.reported

    def start(self, spec: WorkflowSpec, **options: Any) -> asyncio.Task[Reported]:
        return asyncio.create_task(self.run(spec, **options))

    async def work_on(self, lease: Lease) -> None:
        async with self.journal_and_resources() as (journal, resources):
            await execute(lease, journal, resources)

    @asynccontextmanager
    async def journal_and_resources(self) -> AsyncIterator[tuple[Journal, EngineResources]]:
        """What a process has."""
        journal = Journal(self.journal_path)
        resources = EngineResources(self.clock, self.clock.sleep, HttpClient(SSL_CONTEXT), self.evaluator, self.channel)
        try:
            yield journal, resources
        finally:
            await resources.close()
            journal.close()

    async def _send(self, request: ReportRequest) -> None:
        self.reported.take_in(request.workflow)

    async def _run_sub_agent(self, request: StartSubAgentRequest, work: Work) -> NoReturn:
        raise NotImplementedError

    async def _start_agent(self, request: StartAgentRequest) -> AgentExecution:
        return await self.agent(request)


@asynccontextmanager
async def world(folder: Path) -> AsyncIterator[World]:
    channel = open_channel("127.0.0.1:1")
    try:
        yield World(folder / "workflows.db", channel)
    finally:
        await channel.close()


async def until(holds: Callable[[], bool]) -> None:
    """Waits for what comes over a wire, and so has no event of its own."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)
