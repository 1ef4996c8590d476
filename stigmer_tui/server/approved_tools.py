"""Refuses runs in which tools are to wait for approval that there are not: they would be misspelled, and not wait."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.kinds import AGENT
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecution
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import extensions
from stigmer_tui.definition.approved_tools import known_tools, unknown_tools
from stigmer_tui.definition.support import called_agents
from stigmer_tui.server.errors import invalid
from stigmer_tui.server.resource_store import ResourceStore


def check_approve_of_tasks(execution: WorkflowExecution, workflow: Workflow, store: ResourceStore) -> None:
    """Like `check_approve`, of the agents that a workflow calls; nothing is known where one is not deployed yet."""
    org = execution.metadata.org
    called = [store.find(AGENT, slug, org) or store.find(AGENT, slug) for slug in called_agents(workflow.spec)]
    agents = [agent for agent in called if isinstance(agent, Agent)]
    if len(agents) == len(called):
        check_approve(execution.metadata, agents, workflow.metadata.name)


def check_approve(metadata: ApiResourceMetadata, agents: Iterable[Agent], name: str) -> None:
    """Raises ApiError if an execution wants approvals for tools that none of its agents has. `name` is what it runs."""
    text = metadata.annotations.get(extensions.APPROVE, "")
    try:
        policy = ApprovalPolicy.parse(text, "approve")
    except StigmerError as error:
        raise invalid(f"{error.message}. {error.advice}") from error
    if not policy.tools or (known := known_tools(agents)) is None:
        return
    for tool, hint in unknown_tools(policy, known).items():
        raise invalid(f"approve: {name} has no tool {tool}{hint or '.'} Its tools: {', '.join(sorted(known))}")
