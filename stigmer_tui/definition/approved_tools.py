"""Names in an approval policy that no tool has: a call that was to wait must not be made because of a misspelling."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.definition.problems import near_miss
from stigmer_tui.definition.support import TOOLS
from stigmer_tui.definition.tool_names import ToolNames


def known_tools(agents: Iterable[Agent]) -> frozenset[str] | None:
    """What the models of agents and of their sub-agents call their tools; None if only their MCP servers know."""
    known = set(TOOLS)
    for agent in agents:
        servers = agent.spec.mcp_servers
        if not all(server.enabled_tools for server in servers):
            return None
        known |= ToolNames().give([(server.name, tool) for server in servers for tool in server.enabled_tools]).keys()
    return frozenset(known)


def unknown_tools(policy: ApprovalPolicy, known: frozenset[str]) -> dict[str, str]:
    """The names of the policy that no tool has, each with a hint for a message if it looks misspelled."""
    return {name: near_miss(name, sorted(known)) for name in sorted(policy.tools - known)}
