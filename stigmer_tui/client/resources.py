"""Agents and workflows on a server: find by name or id, and apply."""

from __future__ import annotations

from stigmer_tui.api.agent_pb2 import Agent, AgentId
from stigmer_tui.api.agent_pb2_grpc import AgentCommandControllerStub, AgentQueryControllerStub
from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope, ApiResourceReference
from stigmer_tui.api.kinds import AGENT, WORKFLOW, Kind
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowId
from stigmer_tui.api.workflow_pb2_grpc import WorkflowCommandControllerStub, WorkflowQueryControllerStub
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.errors import NotFound
from stigmer_tui.core.ids import Prefix, parse_id, slug_of


async def resolve(connection: Connection, reference: str, org: str) -> Workflow | Agent | None:
    """Finds a resource by id or name, a workflow before an agent of the same name. None if there is neither."""
    parsed = parse_id(reference)
    for kind in (WORKFLOW, AGENT):
        if parsed and parsed[0] != kind.prefix:
            continue
        found = await (get_by_id(connection, kind, reference) if parsed else find(connection, kind, reference, org))
        if found is not None:
            return found
    return None


async def get_by_id(connection: Connection, kind: Kind, resource_id: str) -> Workflow | Agent | None:
    """The resource with this id, or None."""
    try:
        if kind.prefix is Prefix.WORKFLOW:
            return await connection.call(
                lambda channel: WorkflowQueryControllerStub(channel).get, WorkflowId(value=resource_id)
            )
        return await connection.call(lambda channel: AgentQueryControllerStub(channel).get, AgentId(value=resource_id))
    except NotFound:
        return None


async def find(connection: Connection, kind: Kind, name: str, org: str) -> Workflow | Agent | None:
    """Finds a resource by name or slug in an organization, or None."""
    reference = ApiResourceReference(
        scope=ApiResourceOwnerScope.organization, org=org, kind=kind.number, slug=slug_of(name)
    )
    if not reference.slug:
        return None
    try:
        if kind is WORKFLOW:
            return await connection.call(lambda channel: WorkflowQueryControllerStub(channel).getByReference, reference)
        return await connection.call(lambda channel: AgentQueryControllerStub(channel).getByReference, reference)
    except NotFound:
        return None


async def apply(connection: Connection, resource: Workflow | Agent) -> Workflow | Agent:
    """Creates or updates a resource. Returns it as the server stores it."""
    if isinstance(resource, Workflow):
        return await connection.call(lambda channel: WorkflowCommandControllerStub(channel).apply, resource)
    return await connection.call(lambda channel: AgentCommandControllerStub(channel).apply, resource)
