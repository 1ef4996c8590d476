"""Instances on a server: found by name."""

from __future__ import annotations

from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.kinds import AGENT_INSTANCE, WORKFLOW_INSTANCE
from stigmer_tui.api.workflow_instance_pb2 import WorkflowInstance
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.stored_resources import get_resource


async def find_instance(connection: Connection, reference: str, org: str) -> WorkflowInstance | AgentInstance | None:
    """By id or name, one of a workflow before one of an agent."""
    for kind in (WORKFLOW_INSTANCE, AGENT_INSTANCE):
        found = await get_resource(connection, kind, reference, org)
        if isinstance(found, WorkflowInstance | AgentInstance):
            return found
    return None
