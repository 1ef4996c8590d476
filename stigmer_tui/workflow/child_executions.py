"""Executions that a workflow starts: started once, followed to their end, and cancelled, by calls to the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionId, MessageType
from stigmer_tui.api.agent_execution_pb2_grpc import AgentExecutionQueryControllerStub
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.execution_pb2 import CancelRequest, FollowRequest, FollowResponse
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import StartAgentRequest, StartWorkflowRequest
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.runners.lease import Lease
from stigmer_tui.workflow.port import ChildEnd, ChildKind, ChildRequest, ChildResult

FOLLOW_INTERVAL = 50
"""Milliseconds between two messages of a stream of which only the end matters."""

RECONNECT_PAUSE = 0.1
"""Seconds after a stream was lost. A server that is not there is waited for without a pause."""

CANCEL_LIMIT = 2.0
"""Seconds for asking the server to cancel a child; it cancels what a cancelled workflow started by itself too."""

LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}

_ENDS = {Phase.COMPLETED: ChildEnd.COMPLETED, Phase.CANCELLED: ChildEnd.CANCELLED}


class ChildError(Exception):
    """The child cannot be started; the message says why."""


class ChildExecutions:
    def __init__(
        self,
        channel: Channel,
        lease: Lease,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._executions = ExecutionControllerStub(channel)
        self._agents = AgentExecutionQueryControllerStub(channel)
        self._lease = lease
        self._sleep = sleep

    async def start(self, key: str, request: ChildRequest, environment: Mapping[str, tuple[str, bool]]) -> str:
        """The id of the execution; the same key gives the same one.

        `environment` has values, and whether they are secret. Raises ChildError.
        """
        name, message = request.name, request.message
        values = {name: ExecutionValue(value=value, is_secret=secret) for name, (value, secret) in environment.items()}
        try:
            match request.kind:
                case ChildKind.AGENT:
                    config = AgentExecutionConfig(
                        model=request.model, timeout=request.timeout, temperature=request.temperature
                    )
                    agent = await self._lease.start_agent(
                        StartAgentRequest(key=key, agent=name, message=message, environment=values, config=config)
                    )
                    return agent.metadata.id
                case ChildKind.WORKFLOW:
                    workflow = await self._lease.start_workflow(
                        StartWorkflowRequest(key=key, workflow=name, message=message, environment=values)
                    )
                    return workflow.metadata.id
        except AioRpcError as error:
            raise ChildError(error.details()) from error

    async def follow(self, execution_id: str) -> ChildResult:
        """Returns when the execution has ended, or cannot be followed. A stream that is lost is taken up again."""
        version = 0
        while True:
            request = FollowRequest(execution_id=execution_id, after_version=version, interval_ms=FOLLOW_INTERVAL)
            stream = self._executions.follow(request, wait_for_ready=True)
            try:
                async for change in stream:
                    version = change.version
                    if _phase(change).is_final:
                        break
                execution = await self._agents.get(AgentExecutionId(value=execution_id), wait_for_ready=True)
                if Phase(execution.status.phase).is_final:
                    return _result(execution)
            except AioRpcError as error:
                if error.code() not in LOST:
                    return ChildResult(ChildEnd.LOST, execution_id, error=error.details() or error.code().name)
            finally:
                stream.cancel()
            await self._sleep(RECONNECT_PAUSE)

    async def cancel(self, execution_id: str, reason: str) -> None:
        with suppress(AioRpcError):
            await self._executions.cancel(CancelRequest(execution_id=execution_id, reason=reason), timeout=CANCEL_LIMIT)


def _phase(change: FollowResponse) -> Phase:
    match change.WhichOneof("change"):
        case "agent_snapshot":
            return Phase(change.agent_snapshot.status.phase)
        case "agent_delta":
            return Phase(change.agent_delta.phase)
        case _:
            return Phase.UNSPECIFIED


def _result(execution: AgentExecution) -> ChildResult:
    status = execution.status
    end = _ENDS.get(Phase(status.phase), ChildEnd.FAILED)
    text = _last_text(execution) if end is ChildEnd.COMPLETED else ""
    return ChildResult(end, execution.metadata.id, text, status.error)


def _last_text(execution: AgentExecution) -> str:
    texts = (
        message.content
        for message in reversed(execution.status.messages)
        if message.type == MessageType.MESSAGE_AI and message.content
    )
    return next(texts, "")
