"""The sub-agents of an agent: which there are, and what each is when it runs as an agent of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stigmer_tui.api.agent_pb2 import Agent, McpServerDefinition, SubAgent
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition import extensions

GENERAL_PURPOSE = "general-purpose"
"""The sub-agent that every agent has: the agent itself, with a conversation of its own."""

MAX_DEPTH = 2
"""Sub-agents in each other; the innermost cannot hand on what it is given."""

GENERAL_PURPOSE_DESCRIPTION = (
    "Has the same instructions and tools as you. For work of many steps of which only the result matters."
)


def sub_agent_types(agent: Agent) -> dict[str, str]:
    """Descriptions of the sub-agents by name, in the order of the definition."""
    declared = {part.name: part.description for part in agent.spec.sub_agents}
    return {GENERAL_PURPOSE: GENERAL_PURPOSE_DESCRIPTION, **declared}


def skill_references(agent: Agent) -> Iterator[Sequence[ApiResourceReference]]:
    """Those of the agent, then those of each sub-agent; they can be changed in place."""
    yield agent.spec.skill_refs
    for part in agent.spec.sub_agents:
        yield part.skill_refs


def check_sub_agents(agent: Agent) -> None:
    """Raises StigmerError for two sub-agents of the same name, and for one with a server that its agent lacks."""
    names = [part.name for part in agent.spec.sub_agents]
    for part in agent.spec.sub_agents:
        if names.count(part.name) > 1:
            raise StigmerError(f"{agent.metadata.name} has two sub-agents with the name {part.name}")
        _servers(agent, part)


def sub_agent(agent: Agent, name: str) -> Agent:
    """The sub-agent as an agent of its own. Raises StigmerError, with those that there are, for an unknown one."""
    if name not in (types := sub_agent_types(agent)):
        raise StigmerError(f"There is no sub-agent {name!r}; there are: {', '.join(types)}")
    own = Agent()
    own.CopyFrom(agent)
    own.metadata.name = own.metadata.slug = name
    for annotation in (extensions.SCRIPT, extensions.SCRIPT_FILE, extensions.VARIABLES, extensions.OUTPUT):
        own.metadata.annotations.pop(annotation, None)
    declared = next((part for part in agent.spec.sub_agents if part.name == name), None)
    if declared is not None:
        own.spec.description, own.spec.instructions = declared.description, declared.instructions
        for field in ("mcp_servers", "skill_refs", "sub_agents"):
            own.spec.ClearField(field)
        own.spec.mcp_servers.extend(_servers(agent, declared))
        own.spec.skill_refs.extend(declared.skill_refs)
    return own


def _servers(agent: Agent, part: SubAgent) -> list[McpServerDefinition]:
    """The servers that it has been given, each with the tools that both it and its agent may use."""
    known = {server.name: server for server in agent.spec.mcp_servers}
    servers = []
    for name in (*part.mcp_servers, *(name for name in part.mcp_tool_selections if name not in part.mcp_servers)):
        if name not in known:
            raise StigmerError(
                f"The sub-agent {part.name} uses the MCP server {name}, which {agent.metadata.name} has not"
            )
        server = McpServerDefinition()
        server.CopyFrom(known[name])
        if chosen := list(part.mcp_tool_selections[name].enabled_tools) if name in part.mcp_tool_selections else []:
            allowed = set(server.enabled_tools) or set(chosen)
            if missing := [tool for tool in chosen if tool not in allowed]:
                whose = f"{missing[0]} of {name}, which {agent.metadata.name} has not"
                raise StigmerError(f"The sub-agent {part.name} uses the tool {whose}")
            del server.enabled_tools[:]
            server.enabled_tools.extend(chosen)
        servers.append(server)
    return servers
