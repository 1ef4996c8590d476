"""Agents and their instances (`docs/compatibility.md` 122)."""

from __future__ import annotations

from stigmer_tui.api.agent_instance_pb2 import (
    AgentInstance,
    AgentInstanceList,
    AgentInstanceSpec,
    GetAgentInstancesByAgentRequest,
)
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.kinds import AGENT, AGENT_INSTANCE, API_VERSION, Kind
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.server.paging import page_number
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import Resources, default_instance_metadata, note_created


class Agents(Resources[Agent]):
    kind = AGENT

    def complete(self, resource: Agent) -> list[ResourceRow]:
        """Returns the default instance, which is stored in the same transaction."""
        instance = AgentInstance(
            api_version=API_VERSION,
            kind=AGENT_INSTANCE.name,
            metadata=default_instance_metadata(resource.metadata, AGENT_INSTANCE, self.backend),
            spec=AgentInstanceSpec(
                agent_id=resource.metadata.id, description="Made with the agent, for runs that name no other instance."
            ),
        )
        note_created(instance, self.clock)
        resource.status.default_instance_id = instance.metadata.id
        return [ResourceRow(AGENT_INSTANCE, instance, resource.metadata.id)]

    def dependents(self, resource: Agent) -> list[tuple[Kind, str]]:
        instances = self.store.children(AGENT_INSTANCE, resource.metadata.id)
        return [(AGENT_INSTANCE, instance.metadata.id) for instance in instances]


class AgentInstances(Resources[AgentInstance]):
    kind = AGENT_INSTANCE

    def check(self, resource: AgentInstance) -> None:
        resource.spec.agent_id = canonical_id(resource.spec.agent_id)

    def parent(self, resource: AgentInstance) -> str:
        return resource.spec.agent_id

    async def get_by_agent(self, request: GetAgentInstancesByAgentRequest) -> AgentInstanceList:
        instances = self.store.children(AGENT_INSTANCE, canonical_id(request.agent_id))
        items, _ = page_number(instances, request.page_info.num, request.page_info.size)
        return AgentInstanceList(total_count=len(instances), items=items)
