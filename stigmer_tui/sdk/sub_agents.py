"""Sub-agents: agents that another one hands tasks to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stigmer_tui.sdk.errors import DefinitionError, near_miss
from stigmer_tui.sdk.mcp_servers import McpServer
from stigmer_tui.sdk.registry import ServerDefinition, SubAgentDefinition
from stigmer_tui.sdk.skills import Skill, skill_names
from stigmer_tui.sdk.values import instructions_text, literal_text, resource_name

GENERAL_PURPOSE = "general-purpose"


class SubAgent:
    """An agent that another one hands tasks to. It has a conversation of its own, and answers with its last message.

        reader = SubAgent("reader", description="Reads long files.", instructions="Read it, and sum it up.")
        Agent("clerk", instructions="Answer from the files.", sub_agents=[reader])

    The agent chooses it by its `description`. It works in the same folder, several at the same time where the agent
    calls them together. `mcp_servers` are those of the agent that it may use, and `tools` of these the only ones:

        SubAgent("finder", instructions="Find the ticket.", mcp_servers=[tickets], tools={"tickets": ["search"]})

    Every agent also has the sub-agent `general-purpose`, with its own instructions and tools. What a sub-agent does
    where no model is configured stands in the script of its agent, under `sub_agents`. It has `skills` of its own.
    """

    def __init__(
        self,
        name: str,
        *,
        instructions: str,
        description: str = "",
        mcp_servers: Iterable[McpServer] = (),
        tools: Mapping[str, Iterable[str]] | None = None,
        skills: Iterable[Skill | str] = (),
    ) -> None:
        self.name = resource_name(name, "a sub-agent")
        """Its name, by which the agent calls it."""
        if name == GENERAL_PURPOSE:
            raise DefinitionError(f'Every agent has a sub-agent "{GENERAL_PURPOSE}"', "Give this one another name.")
        servers = tuple(server.definition.name for server in mcp_servers)
        chosen = {server: tuple(names) for server, names in (tools or {}).items()}
        for server in chosen:
            if server not in servers:
                raise DefinitionError(
                    f'tools of sub-agent "{name}" names the MCP server "{server}"',
                    f"Pass that server in mcp_servers too. {near_miss(server, list(servers))}".strip(),
                )
        self.definition = SubAgentDefinition(
            self.name,
            instructions_text(instructions, f'sub-agent "{name}"'),
            literal_text(description, "description"),
            servers,
            chosen,
            skill_names(skills, f'sub-agent "{name}"'),
        )

    def __repr__(self) -> str:
        return f"<sub-agent {self.name}>"


def sub_agent_definitions(
    sub_agents: Iterable[SubAgent], agent: str, servers: Iterable[ServerDefinition]
) -> tuple[SubAgentDefinition, ...]:
    """Raises DefinitionError for two of the same name, and for a server that the agent has not."""
    definitions = tuple(sub_agent.definition for sub_agent in sub_agents)
    names = [definition.name for definition in definitions]
    known = {server.name for server in servers}
    for definition in definitions:
        if names.count(definition.name) > 1:
            raise DefinitionError(
                f'Agent "{agent}" has two sub-agents with the name "{definition.name}"',
                "Give one of them another name.",
            )
        if missing := next((server for server in definition.mcp_servers if server not in known), None):
            raise DefinitionError(
                f'Sub-agent "{definition.name}" uses the MCP server "{missing}", which agent "{agent}" has not',
                "Pass that server in mcp_servers of the agent too.",
            )
    return definitions
