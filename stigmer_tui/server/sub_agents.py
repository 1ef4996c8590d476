"""Runs of sub-agents: executions of their own, which the runner of the agent works on too (`docs/compatibility.md` 78).

They are in no queue and in no list: they have a lease as long as their agent has one, and end with it.
"""

from __future__ import annotations

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionSpec
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.kinds import AGENT_EXECUTION, API_VERSION
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import AgentAssignment, Assignment, StartSubAgentRequest
from stigmer_tui.core.daemon_processes import RunnerIdentity
from stigmer_tui.definition import extensions
from stigmer_tui.server.errors import invalid
from stigmer_tui.server.execution_calls import ExecutionCalls
from stigmer_tui.server.execution_state import AgentExecutionState
from stigmer_tui.server.execution_store import NewExecution
from stigmer_tui.server.executions import LiveExecution
from stigmer_tui.server.resources import note_created
from stigmer_tui.server.sizes import check_stored


class SubAgents:
    def __init__(self, calls: ExecutionCalls) -> None:
        self._calls = calls

    async def start(self, runner: RunnerIdentity, request: StartSubAgentRequest) -> Assignment:
        """Idempotent by key, so that a restarted runner may ask again. Without a lease, the run has ended."""
        parent = self._calls.leases.leased(request.lease_id, runner)
        if not isinstance(parent.state, AgentExecutionState):
            raise invalid("lease_id: must be that of an agent execution")
        existing = self._calls.executions.store.child(parent.id, request.key)
        live = self._calls.executions.open(existing) if existing else await self._add(parent, request)
        if live.phase.is_final and isinstance(live.state, AgentExecutionState):
            return Assignment(agent=AgentAssignment(execution=live.state.execution))
        return await self._calls.leases.lease_part(live, request.lease_id, runner)

    async def _add(self, parent: LiveExecution, request: StartSubAgentRequest) -> LiveExecution:
        agent = request.agent
        execution = AgentExecution(
            api_version=API_VERSION,
            kind=AGENT_EXECUTION.name,
            metadata=ApiResourceMetadata(
                name=f"{agent.metadata.name} for {request.key}",
                org=parent.state.execution.metadata.org,
                annotations=extensions.inherited_by_sub_agents(parent.state.execution.metadata.annotations),
            ),
            spec=AgentExecutionSpec(agent_id=agent.metadata.id, message=request.message),
        )
        self._calls.name(AGENT_EXECUTION, execution.metadata)
        execution.status.phase = Phase.PENDING.for_agent
        note_created(execution, self._calls.clock)
        assignment = Assignment(agent=AgentAssignment(agent=agent))
        known = self._calls.executions.store.assignment(parent.id)
        await self._calls.environments.share(parent.id, known, execution, assignment)
        check_stored(AGENT_EXECUTION.noun, execution)
        new = NewExecution(
            execution=execution,
            assignment=assignment,
            resource=agent.metadata.id,
            slug=agent.metadata.slug,
            parent=parent.id,
            parent_key=request.key,
        )
        await self._calls.executions.add(new)
        return self._calls.executions.open(execution.metadata.id)
