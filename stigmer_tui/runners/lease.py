"""A lease: the right, and the duty, to work on one execution and to report on it at a steady rate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum, auto

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, WorkflowExecutionDelta
from stigmer_tui.api.model_call_pb2 import KeptRequest
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    ReportRequest,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
)
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution
from stigmer_tui.core.clock import Clock, SystemClock, timestamp
from stigmer_tui.core.known_secrets import remember
from stigmer_tui.core.redaction import Redactor

Delta = AgentExecutionDelta | WorkflowExecutionDelta


class LeaseLost(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The server has given the execution to another runner, or has ended it; it refuses further reports."""


class StopReason(Enum):
    """Why the work on a lease is stopped before its end."""

    CANCELLED = auto()
    """It was cancelled: stop everything, report what there is and the phase CANCELLED."""
    DRAINING = auto()
    """The runner is about to end: bring side effects under way to an end, journal them, report no phase."""
    LOST = auto()
    """The execution is no longer ours: stop everything, report nothing."""
    REFUSED = auto()
    """The server cannot take what is reported: stop everything; that it failed, and why, is reported for the work."""


Work = Callable[["Lease"], Awaitable[None]]
"""Carries out a lease, including its final report. Cancelled when the lease is stopped."""


async def _refuse_sub_agent(request: StartSubAgentRequest, work: Work) -> Assignment:
    raise NotImplementedError(f"there are no sub-agents here: {request.key}")


@dataclass(frozen=True, slots=True)
class ServerCalls:
    """What the work on a lease asks of the server."""

    report: Callable[[ReportRequest], Awaitable[object]]
    start_agent: Callable[[StartAgentRequest], Awaitable[AgentExecution]]
    start_workflow: Callable[[StartWorkflowRequest], Awaitable[WorkflowExecution]]
    run_sub_agent: Callable[[StartSubAgentRequest, Work], Awaitable[Assignment]] = _refuse_sub_agent


class Lease:
    """One assignment, and the way to report on it.

    The work runs in a task that `stop` cancels; it then reads `ending` to know what is expected of it.
    """

    def __init__(
        self,
        assignment: Assignment,
        calls: ServerCalls,
        clock: Clock | None = None,
    ) -> None:
        self.assignment = assignment
        self.ending: StopReason | None = None
        self.reason = ""
        self.task: asyncio.Task[None] | None = None
        """Set once the work has begun; before that there is nothing to cancel."""
        self.clock = clock or SystemClock()
        self.environment = {name: variable.value for name, variable in assignment.environment.items()}
        """Values of every variable of the run, secrets included."""
        self.secrets = frozenset(name for name, variable in assignment.environment.items() if variable.is_secret)
        self.redactor = Redactor(self.environment[name] for name in self.secrets)
        """Knows these, and what the work on the lease finds to be secret too."""
        remember(self.redactor)
        self._calls = calls

    @property
    def id(self) -> str:
        return self.assignment.lease_id

    @property
    def execution_id(self) -> str:
        work = self.assignment.WhichOneof("work")
        return (
            self.assignment.workflow.execution.metadata.id
            if work == "workflow"
            else self.assignment.agent.execution.metadata.id
        )

    def stop(self, ending: StopReason, reason: str = "") -> None:
        """The first call decides; the work's task is cancelled."""
        if self.ending is not None:
            return
        self.ending = ending
        self.reason = reason
        if self.task is not None:
            self.task.cancel()

    async def report(self, delta: Delta, requests: Sequence[KeptRequest] = ()) -> None:
        """Returns when the server has made the change durable. Raises LeaseLost, or grpc's error when it is gone.

        `requests` were sent to models.
        """
        if isinstance(delta, WorkflowExecutionDelta):
            await self._calls.report(ReportRequest(lease_id=self.id, workflow=delta))
        else:
            await self._calls.report(ReportRequest(lease_id=self.id, agent=delta, requests=requests))

    async def report_end(self, phase: Phase, error: str = "") -> None:
        """The final phase, with the time; nothing can be reported after it."""
        completed_at, error = timestamp(self.clock.now()), self.redactor.text(error)
        if self.assignment.WhichOneof("work") == "workflow":
            await self.report(WorkflowExecutionDelta(phase=phase.for_workflow, error=error, completed_at=completed_at))
        else:
            await self.report(AgentExecutionDelta(phase=phase.for_agent, error=error, completed_at=completed_at))

    async def start_agent(self, request: StartAgentRequest) -> AgentExecution:
        """Starts an agent as a child of this execution; the same key gives the same child."""
        request.lease_id = self.id
        return await self._calls.start_agent(request)

    async def start_workflow(self, request: StartWorkflowRequest) -> WorkflowExecution:
        """Starts a workflow, likewise."""
        request.lease_id = self.id
        return await self._calls.start_workflow(request)

    async def run_sub_agent(self, request: StartSubAgentRequest, work: Work) -> Assignment:
        """Runs a sub-agent by `work` to its end, unless it has ended before, and returns what it was given.

        The same key gives the same sub-agent. It is stopped with this lease, and when this call is cancelled.
        """
        request.lease_id = self.id
        return await self._calls.run_sub_agent(request, work)


logger = logging.getLogger(__name__)

INTERVAL = 0.02
"""Seconds between two reports: shorter than a frame of any screen."""


class Reporter:
    """Sends what has changed since the last report; `touch` says that something has.

    The first change after a quiet time goes out at once, those that follow within the interval go together.
    """

    def __init__(self, lease: Lease, take: Callable[[], Delta | None], interval: float = INTERVAL) -> None:
        self._lease = lease
        self._take = take
        self._interval = interval
        self._requests: list[KeptRequest] = []
        self._dirty = asyncio.Event()
        self._sending = asyncio.Lock()

    def touch(self) -> None:
        self._dirty.set()

    def keep(self, request: KeptRequest) -> None:
        """Sends a request to a model along, which the server keeps."""
        self._requests.append(request)
        self.touch()

    async def flush(self) -> None:
        """Returns when everything up to now has been reported. Raises LeaseLost."""
        await self._send()

    async def run(self) -> None:
        """Until cancelled, or until the lease is lost; the lease then stops the work by itself."""
        try:
            while True:
                await self._dirty.wait()
                await self._send()
                await asyncio.sleep(self._interval)
        except LeaseLost:
            return
        except Exception as error:
            # What it took and could not send is lost to the server: the work must not go on as if it were known.
            logger.exception("a report of %s failed", self._lease.execution_id)
            self._lease.stop(StopReason.REFUSED, repr(error))

    async def _send(self) -> None:
        async with self._sending:
            self._dirty.clear()
            delta = self._take()
            requests, self._requests = self._requests, []
            if delta is not None or requests:
                await self._lease.report(delta or AgentExecutionDelta(), requests)


@asynccontextmanager
async def reporting(lease: Lease, take: Callable[[], Delta | None]) -> AsyncIterator[Reporter]:
    """A reporter that runs as long as the block. What was changed but not reported when the block ends stays so."""
    reporter = Reporter(lease, take)
    loop = asyncio.create_task(reporter.run())
    try:
        yield reporter
    finally:
        loop.cancel()
        await asyncio.wait([loop])
