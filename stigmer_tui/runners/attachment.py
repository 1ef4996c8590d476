"""The connection of a runner to the server: it registers, works on its leases, and drains at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui import __version__
from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    Draining,
    Heartbeat,
    Hello,
    ReportRequest,
    RunnerMessage,
    ServerMessage,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
)
from stigmer_tui.api.runner_pb2_grpc import RunnerControllerStub
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.logs import EXECUTION
from stigmer_tui.core.storage_errors import StorageError
from stigmer_tui.runners.lease import Lease, LeaseLost, ServerCalls, StopReason, Work

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

DRAIN_LIMIT = 3.0
"""Seconds that running side effects have to finish when the runner must end."""


class Records(Protocol):
    """What a runner has done of executions that have not ended, by its knowledge: a `Journal`."""

    @property
    def problem(self) -> str:
        """Why it cannot be written, such as a full disk, so that work waits; empty if it can."""
        ...

    def executions(self) -> list[str]: ...

    async def forget(self, execution_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Profile:
    """What a runner tells the server about itself."""

    kind: Hello.Kind.ValueType
    capacity: int
    model: str = ""
    sandbox: str = ""
    records: Records | None = None
    """The journal of the runner; what it holds of executions that have ended without a runner is deleted."""
    take_keys: Callable[[Mapping[str, str]], str] = lambda variables: ""
    """Takes keys of model providers and returns the model that is available with them."""


async def serve(channel: Channel, profile: Profile, work: Work, stopping: asyncio.Event) -> None:
    """Works until `stopping` is set or the connection is lost, then drains. A lost connection is not an error."""
    await _Attachment(RunnerControllerStub(channel), profile, work).serve(stopping)


class _Attachment:
    def __init__(self, stub: RunnerControllerStub, profile: Profile, work: Work) -> None:
        self._stub = stub
        self._profile = profile
        self._work = work
        self._outbox: asyncio.Queue[RunnerMessage | None] = asyncio.Queue()
        self._leases: dict[str, Lease] = {}
        self._is_draining = False
        self._forgetting: asyncio.Task[None] | None = None

    async def serve(self, stopping: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            listener = group.create_task(self._listen(group))
            stopper = group.create_task(stopping.wait())
            await asyncio.wait((listener, stopper), return_when=asyncio.FIRST_COMPLETED)
            if not listener.done():
                self._outbox.put_nowait(RunnerMessage(draining=Draining()))
            await self._drain()
            self._outbox.put_nowait(None)
            # What is not forgotten yet, since the disk is full, is so by the next runner.
            for task in (listener, stopper, self._forgetting):
                if task:
                    task.cancel()

    async def _listen(self, group: asyncio.TaskGroup) -> None:
        try:
            async for message in self._stub.attach(self._messages()):
                self._receive(message, group)
        except AioRpcError as error:
            logger.warning("the server is gone: %s", error.details())

    async def _messages(self) -> AsyncIterator[RunnerMessage]:
        records = self._profile.records
        yield RunnerMessage(
            hello=Hello(
                kind=self._profile.kind,
                version=__version__,
                capacity=self._profile.capacity,
                model=self._profile.model,
                sandbox=self._profile.sandbox,
                recorded=records.executions() if records else (),
            )
        )
        while (message := await self._outbox.get()) is not None:
            yield message

    def _receive(self, message: ServerMessage, group: asyncio.TaskGroup) -> None:
        match message.WhichOneof("message"):
            case "welcome":
                self._forgetting = group.create_task(self._forget(message.welcome.ended))
            # One that was sent before the server knew that this runner drains goes to the next runner.
            case "assignment" if not self._is_draining:
                lease = self._lease(message.assignment)
                self._leases[lease.id] = lease
                group.create_task(self._attend(lease, self._work), name=lease.execution_id)
            case "keys":
                self._beat(self._profile.take_keys(message.keys.variables))
            case "probe":
                self._beat()
            case "cancel":
                if cancelled := self._leases.get(message.cancel.lease_id):
                    cancelled.stop(StopReason.CANCELLED, message.cancel.reason)
            case "signal":
                logger.error("the signal %s is lost: this runner has no signals yet", message.signal.name)

    async def _forget(self, execution_ids: Sequence[str]) -> None:
        """Those that ended while no runner could tidy up after them: it was killed, or the server ended them."""
        if self._profile.records is None:
            return
        for execution_id in execution_ids:
            with suppress(StorageError):
                await self._profile.records.forget(execution_id)

    def _lease(self, assignment: Assignment) -> Lease:
        async def send(request: ReportRequest) -> None:
            try:
                await response_for(lease, self._stub.report(request))
            except AioRpcError as error:
                lease.stop(StopReason.REFUSED, error.details() or error.code().name.lower())
                raise LeaseLost(error.details()) from error

        async def start_agent(request: StartAgentRequest) -> AgentExecution:
            return await response_for(lease, self._stub.startAgent(request))

        async def start_workflow(request: StartWorkflowRequest) -> WorkflowExecution:
            return await response_for(lease, self._stub.startWorkflow(request))

        async def run_sub_agent(request: StartSubAgentRequest, work: Work) -> Assignment:
            assignment = await response_for(lease, self._stub.startSubAgent(request))
            if assignment.lease_id:
                await self._attend_part(lease, self._lease(assignment), work)
            return assignment

        lease = Lease(assignment, ServerCalls(send, start_agent, start_workflow, run_sub_agent))
        return lease

    async def _attend_part(self, whole: Lease, part: Lease, work: Work) -> None:
        """Works on the lease of a sub-agent, which stops when that of its agent does, or does not wait for it."""
        self._leases[part.id] = part
        attending = asyncio.create_task(self._attend(part, work), name=part.execution_id)
        try:
            await asyncio.shield(attending)
        except asyncio.CancelledError:
            part.stop(whole.ending or StopReason.CANCELLED, whole.reason or "the agent that called it has ended")
            await asyncio.wait([attending])
            raise

    async def _attend(self, lease: Lease, work: Work) -> None:
        """Works on one lease. An error ends this lease only, not the process or another lease."""
        lease.task = asyncio.current_task()
        EXECUTION.set(lease.execution_id)
        try:
            if failure := await self._failure(lease, work):
                await lease.report_end(Phase.FAILED, lease.redactor.text(failure))
        except LeaseLost:
            if lease.ending is StopReason.REFUSED:
                # The next heartbeat no longer names the lease, so the server gives the execution out again.
                logger.error("the end of %s cannot be reported: %s", lease.execution_id, lease.reason)
        except Exception:
            logger.exception("the end of %s cannot be reported", lease.execution_id)
        finally:
            self._leases.pop(lease.id, None)

    async def _failure(self, lease: Lease, work: Work) -> str:
        """Runs the work. Returns why it failed if it could not report that itself; empty otherwise."""
        try:
            if lease.ending is None:
                await work(lease)
            elif lease.ending is StopReason.CANCELLED:
                await lease.report_end(Phase.CANCELLED, lease.reason)
        except (LeaseLost, asyncio.CancelledError):
            if lease.ending is StopReason.REFUSED:
                await _let_cancellation_pass()
                return f"The server could not take a report: {lease.reason}"
            if lease.ending is None:
                task = asyncio.current_task()
                if task and task.cancelling():
                    raise
                logger.exception("execution %s was given up by its own work", lease.execution_id)
                return "The runner met an internal error: the work was given up; see stigmer-tui server logs"
        except StigmerError as error:
            return error.message
        except Exception as error:
            logger.exception("execution %s", lease.execution_id)
            return f"The runner met an internal error: {error!r}"
        return ""

    def _beat(self, model: str = "") -> None:
        problem = self._profile.records.problem if self._profile.records else ""
        heartbeat = Heartbeat(lease_ids=self._leases, problem=problem, model=model)
        self._outbox.put_nowait(RunnerMessage(heartbeat=heartbeat))

    async def _drain(self) -> None:
        self._is_draining = True
        tasks = []
        for lease in list(self._leases.values()):
            lease.stop(StopReason.DRAINING)
            if lease.task is not None:
                tasks.append(lease.task)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=DRAIN_LIMIT)
            for task in late:
                task.cancel()


async def _let_cancellation_pass() -> None:
    """Takes the cancellation of a lease that was stopped by its own task, which is raised at the next wait."""
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(0)


async def response_for(lease: Lease, call: Awaitable[Answer]) -> Answer:
    """The response to a call for a lease. Stops the lease and raises LeaseLost if the server has none."""
    try:
        return await call
    except AioRpcError as error:
        match error.code():
            case grpc.StatusCode.FAILED_PRECONDITION:
                lease.stop(StopReason.LOST)
            case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED | grpc.StatusCode.UNAUTHENTICATED:
                lease.stop(StopReason.DRAINING)
            case _:
                raise
        raise LeaseLost(error.details()) from error
