"""The service for runners: see runner.proto."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from grpc import StatusCode

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
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
from stigmer_tui.core.daemon_processes import RunnerIdentity
from stigmer_tui.core.sqlite import when_writable
from stigmer_tui.server.agent_executions import AgentExecutions
from stigmer_tui.server.errors import ApiError, invalid, not_supported
from stigmer_tui.server.execution_state import AgentExecutionState
from stigmer_tui.server.executions import Executions
from stigmer_tui.server.leases import Leases
from stigmer_tui.server.model_requests import ModelRequests
from stigmer_tui.server.sub_agents import SubAgents


class RunnerCalls:
    def __init__(
        self,
        leases: Leases,
        executions: Executions,
        agent_executions: AgentExecutions,
        model_requests: ModelRequests,
        sub_agents: SubAgents,
    ) -> None:
        self._model_requests = model_requests
        self._leases = leases
        self._executions = executions
        self._agent_executions = agent_executions
        self._sub_agents = sub_agents

    def attach(self, runner: RunnerIdentity, messages: AsyncIterator[RunnerMessage]) -> AsyncIterator[ServerMessage]:
        return self._leases.attach(runner, messages)

    async def report(self, runner: RunnerIdentity, request: ReportRequest) -> ReportResponse:
        live = self._leases.leased(request.lease_id, runner)
        is_agent = isinstance(live.state, AgentExecutionState)
        if request.WhichOneof("delta") != ("agent" if is_agent else "workflow"):
            raise invalid("delta: must be of the kind of the leased execution")
        version, _ = await asyncio.gather(
            self._executions.change(live, request.agent if is_agent else request.workflow),
            self._model_requests.keep(live, request.requests),
        )
        return ReportResponse(version=version)

    async def start_agent(self, runner: RunnerIdentity, request: StartAgentRequest) -> AgentExecution:
        parent = self._leases.leased(request.lease_id, runner)
        try:
            # A full disk holds the workflow up, and does not end it.
            return await when_writable(lambda: self._agent_executions.start_for_task(parent, request))
        except ApiError as error:
            if error.code is StatusCode.FAILED_PRECONDITION:
                # To a runner this code says that its lease is over.
                raise invalid(error.message) from error
            raise

    async def start_sub_agent(self, runner: RunnerIdentity, request: StartSubAgentRequest) -> Assignment:
        return await when_writable(lambda: self._sub_agents.start(runner, request))

    async def start_workflow(self, runner: RunnerIdentity, request: StartWorkflowRequest) -> WorkflowExecution:
        self._leases.leased(request.lease_id, runner)
        raise not_supported(
            f"a task cannot start the workflow {request.workflow}: this server has no workflows in workflows yet"
        )
