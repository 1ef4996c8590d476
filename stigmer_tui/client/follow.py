"""Follows an execution: its changes in order, from beginning to end, even when the connection is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionId
from stigmer_tui.api.agent_execution_pb2_grpc import AgentExecutionQueryControllerStub
from stigmer_tui.api.execution_pb2 import FollowRequest, FollowResponse
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_execution_pb2 import SubscribeWorkflowExecutionRequest, WorkflowExecution
from stigmer_tui.api.workflow_execution_pb2_grpc import WorkflowExecutionQueryControllerStub
from stigmer_tui.client.connection import Connection, StreamInterrupted, resumed
from stigmer_tui.client.executions import get, is_agent_execution

QUIET_LIMIT = 10.0
"""Seconds without a response on a plain stream after which the execution is read, as existing servers may lose its
end."""


async def follow(
    connection: Connection, execution_id: str, interval_ms: int = 0
) -> AsyncGenerator[FollowResponse | StreamInterrupted, None]:
    """The changes of an execution, up to its final phase. `interval_ms` is the shortest time between two of them.

    Raises NotFound for an execution that does not exist, and StigmerError when the server cannot be located again.
    """
    version = 0

    def start(channel: Channel) -> AsyncIterator[FollowResponse]:
        request = FollowRequest(execution_id=execution_id, after_version=version, interval_ms=interval_ms)
        return _stream(connection, channel, request)

    async with aclosing(resumed(connection, start)) as responses:
        async for response in responses:
            yield response
            if isinstance(response, FollowResponse):
                version = response.version
                if phase_of(response).is_final:
                    return


def phase_of(response: FollowResponse) -> Phase:
    """The phase after a change; UNSPECIFIED if the change does not set it."""
    match response.WhichOneof("change"):
        case "agent_snapshot":
            return Phase(response.agent_snapshot.status.phase)
        case "workflow_snapshot":
            return Phase(response.workflow_snapshot.status.phase)
        case "agent_delta":
            return Phase(response.agent_delta.phase)
        case "workflow_delta":
            return Phase(response.workflow_delta.phase)
        case _:
            return Phase.UNSPECIFIED


async def _stream(connection: Connection, channel: Channel, request: FollowRequest) -> AsyncIterator[FollowResponse]:
    try:
        async for response in ExecutionControllerStub(channel).follow(request):
            yield response
    except AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            raise
    else:
        return
    version = 0
    async for execution in _plain_stream(connection, channel, request.execution_id):
        version += 1
        if isinstance(execution, AgentExecution):
            yield FollowResponse(version=version, agent_snapshot=execution)
        else:
            yield FollowResponse(version=version, workflow_snapshot=execution)


async def _plain_stream(
    connection: Connection, channel: Channel, execution_id: str
) -> AsyncIterator[AgentExecution | WorkflowExecution]:
    """Whole executions, from an existing server. Some of them, even the last, may never arrive."""
    stream = _subscription(channel, execution_id)
    reading = asyncio.ensure_future(anext(stream))
    try:
        while True:
            done, _ = await asyncio.wait((reading,), timeout=QUIET_LIMIT)
            if not done:
                yield await get(connection, execution_id)
                continue
            try:
                yield reading.result()
            except StopAsyncIteration:
                return
            reading = asyncio.ensure_future(anext(stream))
    finally:
        reading.cancel()


def _subscription(channel: Channel, execution_id: str) -> AsyncIterator[AgentExecution | WorkflowExecution]:
    if is_agent_execution(execution_id):
        agents = AgentExecutionQueryControllerStub(channel)
        return aiter(agents.subscribe(AgentExecutionId(value=execution_id)))
    workflows = WorkflowExecutionQueryControllerStub(channel)
    return aiter(workflows.subscribe(SubscribeWorkflowExecutionRequest(execution_id=execution_id)))
