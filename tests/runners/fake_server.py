"""The server's side of a runner's connection, played by a test: no wire, no process, no time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.message import Message
from grpc.aio import AioRpcError, Metadata

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    ReportRequest,
    ReportResponse,
    RunnerMessage,
    ServerMessage,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
)
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution

LIMIT = 60.0


def rpc_error(code: grpc.StatusCode, details: str = "") -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details)


def assignment(lease_id: str = "lease-1", execution_id: str = "agx_1", **environment: str) -> Assignment:
    """Of an agent's execution. A variable whose name ends in SECRET is one."""
    given = Assignment(lease_id=lease_id, environment=_values(environment))
    given.agent.execution.metadata.id = execution_id
    return given


def workflow_assignment(lease_id: str = "lease-1", execution_id: str = "wfx_1", **environment: str) -> Assignment:
    given = Assignment(lease_id=lease_id, environment=_values(environment))
    given.workflow.execution.metadata.id = execution_id
    return given


def _values(environment: dict[str, str]) -> dict[str, ExecutionValue]:
    return {key: ExecutionValue(value=text, is_secret=key.endswith("SECRET")) for key, text in environment.items()}


@dataclass
class FakeServer:
    """In the place of a channel: what the runner says arrives in queues, and what the test says arrives there."""

    received: asyncio.Queue[RunnerMessage] = field(default_factory=asyncio.Queue)
    reports: asyncio.Queue[ReportRequest] = field(default_factory=asyncio.Queue)
    started: list[StartAgentRequest | StartSubAgentRequest | StartWorkflowRequest] = field(default_factory=list)
    refusals: list[AioRpcError] = field(default_factory=list)
    """What the next calls fail with."""
    _sent: asyncio.Queue[ServerMessage | AioRpcError | None] = field(default_factory=asyncio.Queue)

    def say(self, **message: Any) -> None:
        self._sent.put_nowait(ServerMessage(**message))

    def end(self, error: AioRpcError | None = None) -> None:
        """The connection ends, in good order or by an error."""
        self._sent.put_nowait(error)

    async def message(self) -> RunnerMessage:
        return await asyncio.wait_for(self.received.get(), LIMIT)

    async def report(self) -> ReportRequest:
        return await asyncio.wait_for(self.reports.get(), LIMIT)

    def stream_stream(self, path: str, **_: Any) -> Callable[[AsyncIterator[RunnerMessage]], AsyncIterator[Message]]:
        return self._attach

    def unary_unary(self, path: str, **_: Any) -> Callable[..., Any]:
        calls: dict[str, Callable[..., Any]] = {
            "report": self._report,
            "startAgent": self._start_agent,
            "startWorkflow": self._start_workflow,
            "startSubAgent": self._start_sub_agent,
        }
        return calls[path.rpartition("/")[2]]

    async def _attach(self, messages: AsyncIterator[RunnerMessage]) -> AsyncIterator[ServerMessage]:
        async def take() -> None:
            async for message in messages:
                self.received.put_nowait(message)

        taking = asyncio.create_task(take())
        try:
            while (message := await self._sent.get()) is not None:
                if isinstance(message, AioRpcError):
                    raise message
                yield message
        finally:
            taking.cancel()

    async def _report(self, request: ReportRequest) -> ReportResponse:
        if self.refusals:
            raise self.refusals.pop(0)
        self.reports.put_nowait(request)
        return ReportResponse()

    async def _start_agent(self, request: StartAgentRequest) -> AgentExecution:
        if self.refusals:
            raise self.refusals.pop(0)
        self.started.append(request)
        execution = AgentExecution()
        execution.metadata.id = "agx_child"
        return execution

    async def _start_sub_agent(self, request: StartSubAgentRequest) -> Assignment:
        """Ended at once where the request has no message."""
        self.started.append(request)
        return assignment("part" if request.message else "", "agx_part")

    async def _start_workflow(self, request: StartWorkflowRequest) -> WorkflowExecution:
        if self.refusals:
            raise self.refusals.pop(0)
        self.started.append(request)
        execution = WorkflowExecution()
        execution.metadata.id = "wfx_child"
        return execution
