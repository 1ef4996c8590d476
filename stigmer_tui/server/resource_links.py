"""What a resource refers to: a workflow to the agents that it calls, an instance to its environments, and so on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.catalogue_pb2 import ResourceLink
from stigmer_tui.api.kinds import AGENT, ENVIRONMENT, SKILL, WORKFLOW, Kind
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.definition.sub_agents import skill_references
from stigmer_tui.definition.support import called_agents
from stigmer_tui.server.resource_store import ResourceStore


def links_of(resource: Any, store: ResourceStore) -> Iterator[ResourceLink]:
    """Each once; also those that lead nowhere."""
    for kind, slug in dict.fromkeys(_links(resource, store)):
        yield ResourceLink(kind=kind.number, slug=slug)


def _links(resource: Any, store: ResourceStore) -> Iterator[tuple[Kind, str]]:
    match resource:
        case Workflow():
            yield from ((AGENT, agent) for agent in called_agents(resource.spec))
        case Agent():
            for references in skill_references(resource):
                yield from _named(SKILL, references)
        case AgentInstance():
            yield from _owner(AGENT, resource.spec.agent_id, store)
            yield from _named(ENVIRONMENT, resource.spec.environment_refs)
        case WorkflowInstance():
            yield from _owner(WORKFLOW, resource.spec.workflow_id, store)
            yield from _named(ENVIRONMENT, resource.spec.env_refs)


def _named(kind: Kind, references: Iterable[ApiResourceReference]) -> Iterator[tuple[Kind, str]]:
    return ((kind, reference.slug) for reference in references)


def _owner(kind: Kind, resource_id: str, store: ResourceStore) -> Iterator[tuple[Kind, str]]:
    owner = store.get(kind, resource_id)
    if owner is not None:
        yield kind, owner.metadata.slug
