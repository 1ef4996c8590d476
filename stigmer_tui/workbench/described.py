"""A stored agent or workflow with all that a person needs to know before a run; beside `translation`, because reading
definitions takes time to load.
"""

from __future__ import annotations

from dataclasses import replace

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.definition.description import agent_facts, task_lines, workflow_facts
from stigmer_tui.definition.variables import run_variables
from stigmer_tui.workbench.model import Resource
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.translation import resource_of


def described(stored: Agent | Workflow) -> Resource:
    """With its variables, which a server that lists what it has would tell."""
    return replace(resource_of(stored), variables=run_variables(stored))


def preview_of(resource: Resource, stored: Agent | Workflow) -> Preview:
    if isinstance(stored, Agent):
        facts, has_servers = tuple(agent_facts(stored)), bool(stored.spec.mcp_servers)
        return Preview(resource, facts, stored.spec.instructions, has_mcp_servers=has_servers)
    return Preview(resource, tuple(workflow_facts(stored)), tasks=tuple(task_lines(stored.spec)))
