"""Instances on a server: found by name, and what an agent's is run in."""

from __future__ import annotations

from uuid import uuid4

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.kinds import AGENT_INSTANCE, API_VERSION, SESSION, WORKFLOW_INSTANCE
from stigmer_tui.api.session_pb2 import Session, SessionSpec
from stigmer_tui.api.session_pb2_grpc import SessionCommandControllerStub
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.stored_resources import get_resource

MAX_SUBJECT_LENGTH = 80


async def find_instance(connection: Connection, reference: str, org: str) -> WorkflowInstance | AgentInstance | None:
    """By id or name, one of a workflow before one of an agent."""
    for kind in (WORKFLOW_INSTANCE, AGENT_INSTANCE):
        found = await get_resource(connection, kind, reference, org)
        if isinstance(found, WorkflowInstance | AgentInstance):
            return found
    return None


async def open_session(connection: Connection, instance_id: str, org: str, message: str) -> str:
    """The id of a new session with an agent's instance; `message` is the one that it begins with."""
    session = Session(
        api_version=API_VERSION,
        kind=SESSION.name,
        metadata=ApiResourceMetadata(
            # Unique, as names of sessions must be.
            name=f"session-{uuid4().hex}",
            org=org,
            owner_scope=ApiResourceOwnerScope.organization,
        ),
        spec=SessionSpec(agent_instance_id=instance_id, subject=message.partition("\n")[0][:MAX_SUBJECT_LENGTH]),
    )
    created = await connection.create(lambda channel: SessionCommandControllerStub(channel).create, session)
    return created.metadata.id
