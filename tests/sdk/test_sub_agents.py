"""Sub-agents of agents, from the code of a project to the manifest."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stigmer_tui.api.agent_pb2 import Agent as AgentMessage
from stigmer_tui.api.validation import violations
from stigmer_tui.definition.sub_agents import GENERAL_PURPOSE, check_sub_agents
from stigmer_tui.sdk import Agent, DefinitionError, McpServer, SubAgent, sub_agents
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import Registry, begin_registry

INSTRUCTIONS = "Answer in one sentence."
NOTES = McpServer.stdio("notes", "python3", "notes.py")


@pytest.fixture
def registry() -> Registry:
    return begin_registry()


def test_a_sub_agent_is_in_the_manifest(registry: Registry) -> None:
    reader = SubAgent(
        "reader",
        description="Reads.",
        instructions="Read what you are told to.",
        mcp_servers=[NOTES],
        tools={"notes": ["get"]},
    )
    Agent("clerk", instructions=INSTRUCTIONS, mcp_servers=[NOTES], sub_agents=[reader])
    message = AgentMessage.FromString(manifest_files(registry, 0)["agent-0.pb"])
    [part] = message.spec.sub_agents
    assert (part.name, part.description, part.instructions) == ("reader", "Reads.", "Read what you are told to.")
    assert list(part.mcp_servers) == ["notes"]
    assert list(part.mcp_tool_selections["notes"].enabled_tools) == ["get"]
    assert violations(message) == []
    check_sub_agents(message)


def test_the_name_that_every_agent_uses_is_the_same_where_they_run() -> None:
    assert sub_agents.GENERAL_PURPOSE == GENERAL_PURPOSE


MISTAKES: dict[str, Callable[[], object]] = {
    'The instructions of sub-agent "a" are shorter than 10 characters': lambda: SubAgent("a", instructions="Read."),
    'Every agent has a sub-agent "general-purpose"': lambda: SubAgent("general-purpose", instructions=INSTRUCTIONS),
    'tools of sub-agent "a" names the MCP server "notes"': lambda: SubAgent(
        "a", instructions=INSTRUCTIONS, tools={"notes": ["get"]}
    ),
    'Agent "clerk" has two sub-agents with the name "a"': lambda: Agent(
        "clerk", instructions=INSTRUCTIONS, sub_agents=[SubAgent("a", instructions=INSTRUCTIONS)] * 2
    ),
    'Sub-agent "a" uses the MCP server "notes", which agent "clerk" has not': lambda: Agent(
        "clerk", instructions=INSTRUCTIONS, sub_agents=[SubAgent("a", instructions=INSTRUCTIONS, mcp_servers=[NOTES])]
    ),
}


@pytest.mark.parametrize("message", MISTAKES)
def test_mistakes(registry: Registry, message: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        MISTAKES[message]()
    assert caught.value.message == message
