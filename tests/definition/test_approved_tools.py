"""Names of tools that are to wait for approval, and that no tool has."""

from __future__ import annotations

import pytest

from stigmer_tui.api.agent_pb2 import Agent, AgentSpec, McpServerDefinition
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.definition.approved_tools import known_tools, unknown_tools
from stigmer_tui.definition.support import TOOLS


def agent(**servers: list[str]) -> Agent:
    definitions = [McpServerDefinition(name=name, enabled_tools=tools) for name, tools in servers.items()]
    return Agent(spec=AgentSpec(mcp_servers=definitions))


def test_what_is_known_without_starting_a_server() -> None:
    assert known_tools([]) == known_tools([agent()]) == TOOLS
    assert known_tools([agent(notes=["add"]), agent(mail=["send.all"])]) == TOOLS | {"add", "send_all"}
    # Of the same name, as models know them.
    assert known_tools([agent(notes=["add"], mail=["add"])]) == TOOLS | {"notes_add", "mail_add"}
    # A server that offers all of its tools knows them alone.
    assert known_tools([agent(notes=["add"]), agent(mail=[])]) is None


@pytest.mark.parametrize(
    ("approve", "unknown"),
    [
        ("execute,write_file", {}),
        ("all", {}),
        ("none", {}),
        ("excute", {"excute": "; did you mean execute?"}),
        ("zzz,execute", {"zzz": ""}),
    ],
)
def test_names_that_no_tool_has(approve: str, unknown: dict[str, str]) -> None:
    assert unknown_tools(ApprovalPolicy.parse(approve, "here"), TOOLS) == unknown
