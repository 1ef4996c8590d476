"""MCP servers of agents, from the code of a project to the manifest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_tui.api.agent_pb2 import Agent as AgentMessage
from stigmer_tui.api.validation import violations
from stigmer_tui.definition.mcp_servers import placeholders_of
from stigmer_tui.sdk import Agent, DefinitionError, McpServer, Workflow, env, secret
from stigmer_tui.sdk.manifests import manifest_files
from stigmer_tui.sdk.registry import Registry, begin_registry

INSTRUCTIONS = "Answer in one sentence."


@pytest.fixture
def registry() -> Registry:
    return begin_registry()


def manifest(registry: Registry) -> AgentMessage:
    return AgentMessage.FromString(manifest_files(registry, 0)["agent-0.pb"])


def test_all_three_transports(registry: Registry) -> None:
    token = secret("TOKEN")
    program = McpServer.stdio("notes", "python3", "notes.py", env={"T": token}, working_dir=".", enabled_tools=["add"])
    web = McpServer.http(
        "web", "https://a.example/mcp", headers={"Authorization": f"Bearer {token}"}, params={"t": env("TEAM")}
    )
    image = McpServer.docker(
        "box",
        "mcp/fetch",
        "-v",
        env={"T": token},
        volumes={"/a": "/b:ro", "/c": "/d"},
        ports={8080: 80, 5353: "53/udp"},
    )
    Agent("clerk", instructions=INSTRUCTIONS, mcp_servers=[program, web, image])
    message = manifest(registry)
    stdio, http, docker = message.spec.mcp_servers
    assert (stdio.name, stdio.stdio.command, list(stdio.stdio.args)) == ("notes", "python3", ["notes.py"])
    assert dict(stdio.stdio.env_placeholders) == {"T": "${TOKEN}"}
    assert stdio.stdio.working_dir == str(Path(__file__).parent)
    assert list(stdio.enabled_tools) == ["add"]
    assert (http.http.url, http.http.timeout_seconds) == ("https://a.example/mcp", 30)
    assert dict(http.http.headers) == {"Authorization": "Bearer ${TOKEN}"}
    assert dict(http.http.query_params) == {"t": "${TEAM}"}
    assert [(v.host_path, v.container_path, v.read_only) for v in docker.docker.volumes] == [
        ("/a", "/b", True),
        ("/c", "/d", False),
    ]
    ports = [(port.host_port, port.container_port, port.protocol) for port in docker.docker.ports]
    assert ports == [(8080, 80, ""), (5353, 53, "udp")]
    assert list(docker.docker.args) == ["-v"]
    assert violations(message) == []


def test_variables_of_servers_are_declared_by_the_agent(registry: Registry) -> None:
    server = McpServer.http("web", "https://a.example/mcp", headers={"t": secret("TOKEN")}, params={"t": env("TEAM")})
    Agent("clerk", instructions=INSTRUCTIONS, mcp_servers=[server], environment=[env("TEAM")])
    message = manifest(registry)
    assert {name: value.is_secret for name, value in message.spec.env_spec.data.items()} == {
        "TOKEN": True,
        "TEAM": False,
    }
    assert placeholders_of(message.spec.mcp_servers[0]) == {"TOKEN", "TEAM"}


def test_a_program_without_a_folder_starts_in_that_of_the_agent(registry: Registry) -> None:
    Agent("clerk", instructions=INSTRUCTIONS, mcp_servers=[McpServer.stdio("notes", "notes")])
    assert manifest(registry).spec.mcp_servers[0].stdio.working_dir == ""


def _two() -> None:
    servers = [McpServer.stdio("a", "one"), McpServer.stdio("a", "two")]
    Agent("clerk", instructions=INSTRUCTIONS, mcp_servers=servers)


def _reference() -> None:
    with Workflow("flow") as flow:
        McpServer.stdio("a", "one", flow.http_get("get", "https://a.example").title)


@pytest.mark.parametrize(
    ("define", "expected"),
    [
        (_two, 'two MCP servers with the name "a"'),
        (_reference, "holds a reference"),
        (lambda: McpServer.stdio("Not a name", "one"), "is not a valid MCP server name"),
        (lambda: McpServer.http("a", "https://a.example", timeout=0), "timeout is 0"),
        (lambda: McpServer.http("a", "https://a.example", enabled_tools="add"), "enabled_tools is a text"),
        (lambda: McpServer.docker("a", "image", ports={0: 80}), "A port is 0"),
        (lambda: McpServer.docker("a", "image", ports={80: "http"}), "A port is 'http'"),
        (lambda: McpServer.stdio("a", ["x"]), "command must be a text"),  # type: ignore[arg-type]
    ],
)
def test_what_is_wrong_is_said(registry: Registry, define: Callable[[], object], expected: str) -> None:
    with pytest.raises(DefinitionError) as raised:
        define()
    assert expected in raised.value.message
