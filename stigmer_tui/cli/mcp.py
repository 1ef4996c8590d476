"""`mcp check` and `mcp call`: the MCP servers of an agent, without a model and without a run."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
from mcp_types import Tool

from stigmer_tui.agents.mcp.connection import ServerConnection
from stigmer_tui.agents.mcp.docker import require_docker
from stigmer_tui.agents.mcp.servers import connected_servers, ending_servers
from stigmer_tui.agents.mcp.surroundings import Surroundings, server_environment
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.kinds import AGENT
from stigmer_tui.client.connection import Connection
from stigmer_tui.client.resources import find, get_by_id
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import parse_id
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.known_secrets import remember
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.definition import extensions
from stigmer_tui.definition.mcp_servers import ServerLaunch, server_launches
from stigmer_tui.definition.tool_names import ToolNames
from stigmer_tui.headless.texts import no_project, parse_runtime_env
from stigmer_tui.project.project_file import is_project, load_project, project_folder
from stigmer_tui.project.subprocesses import OutputLine
from stigmer_tui.project.synthesis import slug_in, synthesize
from stigmer_tui.workbench.run_defaults import run_defaults
from stigmer_tui.workbench.servers import server_of

MAX_DESCRIPTION_LENGTH = 100
"""Characters of what a tool says of itself; models get all of it."""

NAME_AN_AGENT = "name an agent that is deployed: stigmer-tui mcp check <name-or-id>"


@dataclass(frozen=True, slots=True)
class AgentServers:
    """The servers of one agent, ready to be started."""

    agent: str
    launches: tuple[ServerLaunch, ...]
    redactor: Redactor


@dataclass(frozen=True, slots=True)
class CheckedServer:
    connection: ServerConnection
    tools: Sequence[Tool]
    seconds: float
    """Until it was ready."""
    error: str = ""


def check_servers(agent: str, runtime_env: Sequence[str], organization: str, as_json: bool) -> int:
    """Returns 1 when a server did not come up, else 0."""
    return asyncio.run(_check(agent, runtime_env, organization, as_json))


def call_tool(server: str, tool: str, arguments: str, agent: str, runtime_env: Sequence[str], organization: str) -> int:
    """Prints the result. Raises StigmerError for a call that fails."""
    try:
        given = from_json(arguments)
    except ValueError as error:
        raise StigmerError(f"--args is not JSON: {error}", 'Such as: --args \'{"path": "/"}\'') from error
    if not isinstance(given, dict):
        raise StigmerError("--args is not a JSON object", 'Such as: --args \'{"path": "/"}\'')
    return asyncio.run(_call(server, tool, given, agent, runtime_env, organization))


async def _check(reference: str, runtime_env: Sequence[str], organization: str, as_json: bool) -> int:
    agents = [await _servers(agent, runtime_env) for agent in await _agents(reference, organization)]
    agents = [agent for agent in agents if agent.launches]
    if not agents and not as_json:
        click.echo(f"{reference or 'No agent of this project'} has {'no ' if reference else ''}MCP servers")
    failed = False
    for agent in agents:
        with tempfile.TemporaryDirectory(prefix="stigmer-") as folder:
            async with ending_servers(agent.launches, _surroundings(agent, folder)) as connections:
                await require_docker(agent.launches, _environment())
                checked = await asyncio.gather(*map(_checked, connections))
                names = _names(checked)
        failed = failed or any(server.error for server in checked)
        for line in _json_lines(agent, checked, names) if as_json else _text_lines(agent, checked, names):
            click.echo(line)
    return int(failed)


async def _call(
    server: str, tool: str, arguments: dict[str, Any], reference: str, runtime_env: Sequence[str], organization: str
) -> int:
    agents = await _agents(reference, organization)
    found = [agent for agent in agents if server in {one.name for one in agent.spec.mcp_servers}]
    if not found:
        names = sorted({one.name for agent in agents for one in agent.spec.mcp_servers})
        known = f"There are: {', '.join(names)}" if names else "There is none at all."
        raise StigmerError(f"There is no MCP server {server}", known)
    agent = await _servers(found[0], runtime_env, server)
    with tempfile.TemporaryDirectory(prefix="stigmer-") as folder:
        await require_docker(agent.launches, _environment())
        async with connected_servers(agent.launches, _surroundings(agent, folder)) as (connection,):
            tools = [one.name for one in await connection.tools()]
            if tool not in tools:
                raise StigmerError(f"The MCP server {server} has no tool {tool}", f"It has: {', '.join(tools)}")
            result = await connection.call(tool, arguments)
    click.echo(agent.redactor.cut_text(result))
    return 0


async def _agents(reference: str, organization: str) -> list[Agent]:
    """The agents of the project, or the named one, which may also be deployed. Raises StigmerError for none."""
    folder = project_folder(working_folder())
    in_project = is_project(folder)
    if in_project:
        project = load_project(folder)
        manifests = await synthesize(project, _print_line)
        agents = [agent for agent in manifests.agents if reference in ("", agent.metadata.name, slug_in(agent))]
        if agents or not reference:
            return agents
        organization = organization or project.organization
    if not reference:
        raise no_project(NAME_AN_AGENT)
    configuration = load_configuration(os.environ)
    connection = Connection(server_of(configuration, SystemClock()).locate)
    try:
        if parse_id(reference):
            agent = await get_by_id(connection, AGENT, reference)
        else:
            agent = await find(connection, AGENT, reference, organization or configuration.organization)
    finally:
        await connection.close()
    if not isinstance(agent, Agent):
        raise StigmerError(f"There is no agent {reference}")
    return [agent]


async def _servers(agent: Agent, runtime_env: Sequence[str], only: str = "") -> AgentServers:
    """With the values of a run: defaults, then those of .env, then those of the command line."""
    declared = agent.spec.env_spec.data
    defaults = extensions.read_declarations(agent.metadata.annotations)
    environment = {name: text for name, text in defaults.items() if text is not None}
    environment |= {name: value.value for name, value in declared.items() if value.value}
    defaults_of_run = run_defaults(project_folder(working_folder()))
    given_by_project = {**defaults_of_run.environment, **defaults_of_run.dotenv}
    environment |= {name: text for name, text in given_by_project.items() if name in declared}
    given = parse_runtime_env(runtime_env)
    environment |= {name: value.text for name, value in given.items()}
    secret = {name for name, value in declared.items() if value.is_secret}
    secret |= {name for name, value in given.items() if value.is_secret}
    redactor = Redactor(environment[name] for name in secret if name in environment)
    remember(redactor)
    spec = agent.spec
    if only:
        spec = type(spec)(mcp_servers=[server for server in spec.mcp_servers if server.name == only])
    try:
        launches = server_launches(spec, environment)
    except StigmerError as error:
        raise StigmerError(error.message, "Give it in .env, or with -e NAME=VALUE.") from error
    return AgentServers(agent.metadata.slug or agent.metadata.name, launches, redactor)


def _surroundings(agent: AgentServers, folder: str) -> Surroundings:
    return Surroundings(Path(folder), _environment(), agent.redactor.cut_text)


def _environment() -> dict[str, str]:
    return server_environment(os.environ, f"mcp-{uuid4().hex}")


async def _checked(connection: ServerConnection) -> CheckedServer:
    clock = SystemClock()
    begun = clock.monotonic()
    try:
        await connection.start()
    except StigmerError as error:
        return CheckedServer(connection, (), clock.monotonic() - begun, error.message)
    seconds = clock.monotonic() - begun
    return CheckedServer(connection, await connection.tools(), seconds)


def _names(checked: Sequence[CheckedServer]) -> dict[tuple[str, str], str]:
    """What the model calls each tool."""
    tools = [(server.connection.launch.name, tool.name) for server in checked for tool in server.tools]
    return {tool: name for name, tool in ToolNames().give(tools).items()}


def _text_lines(agent: AgentServers, checked: Sequence[CheckedServer], names: dict[tuple[str, str], str]) -> list[str]:
    lines = [agent.agent]
    for server in checked:
        launch = server.connection.launch
        if server.error:
            lines += [f"  ✗ {launch.name}", *(f"    {line}" for line in server.error.splitlines())]
            continue
        counted = plural(len(server.tools), "tool")
        lines.append(f"  ✓ {launch.name}  {counted}, ready in {duration_text(server.seconds)}")
        lines += [f"      {_signature(names[launch.name, tool.name], tool)}" for tool in server.tools]
    return [agent.redactor.text(line) for line in lines]


def _signature(name: str, tool: Tool) -> str:
    """`add(a, b?)  Add two numbers.`"""
    required = tool.input_schema.get("required", [])
    arguments = (one if one in required else f"{one}?" for one in tool.input_schema.get("properties", {}))
    description = (tool.description or "").strip().partition("\n")[0]
    if len(description) > MAX_DESCRIPTION_LENGTH:
        description = f"{description[:MAX_DESCRIPTION_LENGTH]} …"
    return f"{name}({', '.join(arguments)})  {description}".rstrip()


def _json_lines(agent: AgentServers, checked: Sequence[CheckedServer], names: dict[tuple[str, str], str]) -> list[str]:
    lines = []
    for server in checked:
        name = server.connection.launch.name
        tools = [
            {
                "name": names[name, tool.name],
                "tool": tool.name,
                "description": tool.description or "",
                "input_schema": tool.input_schema,
            }
            for tool in server.tools
        ]
        line = {
            "agent": agent.agent,
            "server": name,
            "ready": not server.error,
            "seconds": round(server.seconds, 3),
            "tools": tools,
            "error": server.error,
        }
        lines.append(json.dumps(agent.redactor.data(line), ensure_ascii=False))
    return lines


def _print_line(line: OutputLine) -> None:
    """What the project's code prints is not what the command prints."""
    click.echo(line.text, err=True)
