"""As much of a server as a workflow runner needs: it gives out work, takes reports, and its agents end on demand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc
from grpc.aio import server as grpc_server

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentExecutionStatus,
    AgentMessage,
    MessageType,
)
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.execution_pb2 import (
    AgentExecutionDelta,
    CancelRequest,
    CancelResponse,
    FollowRequest,
    FollowResponse,
)
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerServicer, add_ExecutionControllerServicer_to_server
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    ReportRequest,
    ReportResponse,
    RunnerMessage,
    ServerMessage,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
    Welcome,
)
from stigmer_tui.api.runner_pb2_grpc import RunnerControllerServicer, add_RunnerControllerServicer_to_server
from tests.workflow.world import Reported


class StandIn(RunnerControllerServicer, ExecutionControllerServicer):
    def __init__(self) -> None:
        self.address = ""
        self.work: asyncio.Queue[ServerMessage] = asyncio.Queue()
        self.reported = Reported()
        self.ended = asyncio.Event()
        """A final phase has been reported."""
        self.attached = 0
        self.started: list[StartAgentRequest] = []
        self.agents: dict[str, AgentExecution] = {}
        """By the key of their start."""
        self.agent_started = asyncio.Event()
        self.agent_ended = asyncio.Event()
        self.follows: list[FollowRequest] = []
        self.lost_streams = 0
        """How many streams of agents are still to be lost."""
        self.cancels: list[CancelRequest] = []
        self.answer = ""
        """What every agent says as soon as it is started, where that is not empty."""

    def assign(self, assignment: Assignment) -> None:
        self.work.put_nowait(ServerMessage(assignment=assignment))

    def end_agents(self, phase: Phase, *texts: str, error: str = "") -> None:
        for agent in self.agents.values():
            messages = [AgentMessage(type=MessageType.MESSAGE_HUMAN, content="hi")]
            messages += [AgentMessage(type=MessageType.MESSAGE_AI, content=text) for text in texts]
            messages.append(AgentMessage(type=MessageType.MESSAGE_TOOL, content="a tool"))
            status = AgentExecutionStatus(phase=phase.for_agent, messages=messages, error=error)
            agent.status.CopyFrom(status)
        self.agent_ended.set()

    async def attach(
        self, request_iterator: AsyncIterator[RunnerMessage], context: Any
    ) -> AsyncIterator[ServerMessage]:
        self.attached += 1
        yield ServerMessage(welcome=Welcome())
        listening = asyncio.create_task(_listen(request_iterator))
        while not listening.done():
            next_work = asyncio.create_task(self.work.get())
            try:
                await asyncio.wait((next_work, listening), return_when=asyncio.FIRST_COMPLETED)
                if next_work.done():
                    yield next_work.result()
            finally:
                next_work.cancel()

    async def report(self, request: ReportRequest, context: Any) -> ReportResponse:
        self.reported.take_in(request.workflow)
        if self.reported.phase.is_final:
            self.ended.set()
        return ReportResponse(version=len(self.reported.deltas))

    async def startAgent(self, request: StartAgentRequest, context: Any) -> AgentExecution:  # noqa: N802
        self.started.append(request)
        if request.agent == "nobody":
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no agent nobody in acme")
        fresh = AgentExecution(
            metadata=ApiResourceMetadata(id=f"agx_{len(self.agents) + 1}"),
            status=AgentExecutionStatus(phase=Phase.PENDING.for_agent),
        )
        agent = self.agents.setdefault(request.key, fresh)
        self.agent_started.set()
        if self.answer:
            self.end_agents(Phase.COMPLETED, self.answer)
        return agent

    async def startWorkflow(self, request: StartWorkflowRequest, context: Any) -> NoReturn:  # noqa: N802
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "there are no workflows in workflows")
        raise AssertionError

    async def startSubAgent(self, request: StartSubAgentRequest, context: Any) -> NoReturn:  # noqa: N802
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "a workflow has no sub-agents")
        raise AssertionError

    async def follow(self, request: FollowRequest, context: Any) -> AsyncIterator[FollowResponse]:
        self.follows.append(request)
        [agent] = [agent for agent in self.agents.values() if agent.metadata.id == request.execution_id]
        if request.after_version == 0:
            yield FollowResponse(version=1, agent_snapshot=agent)
        if self.lost_streams:
            self.lost_streams -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost on purpose")
        await self.agent_ended.wait()
        yield FollowResponse(version=2, agent_delta=AgentExecutionDelta(phase=agent.status.phase))

    async def cancel(self, request: CancelRequest, context: Any) -> CancelResponse:
        self.cancels.append(request)
        return CancelResponse()

    async def get(self, request: AgentExecutionId, context: Any) -> AgentExecution:
        [agent] = [agent for agent in self.agents.values() if agent.metadata.id == request.value]
        return agent


@asynccontextmanager
async def stand_in() -> AsyncIterator[StandIn]:
    found = StandIn()  # type: ignore[abstract]  # Workflows ask no models.
    server = grpc_server()
    add_RunnerControllerServicer_to_server(found, server)
    add_ExecutionControllerServicer_to_server(found, server)
    get = grpc.unary_unary_rpc_method_handler(found.get, AgentExecutionId.FromString, AgentExecution.SerializeToString)
    name = "ai.stigmer.agentic.agentexecution.v1.AgentExecutionQueryController"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"get": get}),))
    found.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield found
    finally:
        await server.stop(0)


async def _listen(messages: AsyncIterator[RunnerMessage]) -> None:
    async for _ in messages:
        pass
