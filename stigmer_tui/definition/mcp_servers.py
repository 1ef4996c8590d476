"""The MCP servers of an agent's definition, with the values of a run put in (`docs/compatibility.md` 77)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import uuid4

from stigmer_tui.api.agent_pb2 import AgentSpec, DockerServer, HttpServer, McpServerDefinition, StdioServer
from stigmer_tui.core.errors import StigmerError

PLACEHOLDER = re.compile(r"\$\{(?:\.secrets\.|\.env_vars\.)?([A-Za-z_][A-Za-z0-9_]*)\}")
"""`${NAME}`, and the two forms that workflows use."""

DEFAULT_TIME_LIMIT = 30
"""Seconds of an HTTP server that names none."""

DOCKER = "docker"


@dataclass(frozen=True, slots=True)
class ProgramTransport:
    """A program that speaks MCP over its standard input and output."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    """Only what the definition gives to it."""
    folder: str = ""
    """Where it starts; relative to the working folder of the agent, which is also the default."""
    container: str = ""
    """Name of the Docker container that it runs, if it is one."""

    def __str__(self) -> str:
        return shlex.join(self.arguments)


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """A server that speaks streamable HTTP, or only the older SSE."""

    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    time_limit: float
    """Seconds for its start and for each call."""

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class ServerLaunch:
    """How to reach one MCP server; everything in it is ready to use, secrets included."""

    name: str
    transport: ProgramTransport | HttpTransport
    enabled_tools: frozenset[str]
    """Names as the server gives them; empty for all."""

    def enables(self, tool: str) -> bool:
        return not self.enabled_tools or tool in self.enabled_tools


def server_launches(spec: AgentSpec, environment: Mapping[str, str]) -> tuple[ServerLaunch, ...]:
    """The servers of an agent, in its order, with the variables of a run in the places of their names.

    Raises StigmerError for a server without name or transport, for two of the same name, and for a missing variable.
    """
    names = [server.name for server in spec.mcp_servers]
    for name in names:
        if not name:
            raise StigmerError("An MCP server of the agent has no name")
        if names.count(name) > 1:
            raise StigmerError(f"Two MCP servers of the agent have the name {name}")
    return tuple(_launch(server, environment) for server in spec.mcp_servers)


def placeholders_of(server: McpServerDefinition) -> frozenset[str]:
    """Names of the variables that a server needs."""
    return frozenset(name for text in _texts(server) for name in PLACEHOLDER.findall(text))


def _launch(server: McpServerDefinition, environment: Mapping[str, str]) -> ServerLaunch:
    def fill(text: str) -> str:
        return PLACEHOLDER.sub(value, text)

    def value(match: re.Match[str]) -> str:
        if match[1] not in environment:
            raise StigmerError(f"The MCP server {server.name} needs the variable {match[1]}, which this run has not")
        return environment[match[1]]

    enabled = frozenset(server.enabled_tools)
    match server.WhichOneof("server_type"):
        case "stdio":
            return ServerLaunch(server.name, _program(server.stdio, fill), enabled)
        case "http":
            return ServerLaunch(server.name, _http(server.http, fill), enabled)
        case "docker":
            return ServerLaunch(server.name, _container(server.docker, fill), enabled)
        case _:
            raise StigmerError(f"The MCP server {server.name} has no command, no URL and no image")


Fill = Callable[[str], str]


def _program(server: StdioServer, fill: Fill) -> ProgramTransport:
    arguments = tuple(map(fill, (server.command, *server.args)))
    return ProgramTransport(arguments, _filled(server.env_placeholders, fill), fill(server.working_dir))


def _http(server: HttpServer, fill: Fill) -> HttpTransport:
    headers, query = _filled(server.headers, fill), _filled(server.query_params, fill)
    return HttpTransport(fill(server.url), headers, query, server.timeout_seconds or DEFAULT_TIME_LIMIT)


def _container(server: DockerServer, fill: Fill) -> ProgramTransport:
    """Variables reach the container through the environment: a command line can be seen by everybody."""
    environment = _filled(server.env_placeholders, fill)
    # Without a name, a container that outlives its client could not be ended.
    name = fill(server.container_name) or f"stigmer-{uuid4().hex[:12]}"
    arguments = (
        *(DOCKER, "run", "-i", "--rm", "--name", name, "--network", fill(server.network) or "bridge"),
        *_options(
            "--volume",
            (
                f"{fill(volume.host_path)}:{fill(volume.container_path)}{':ro' if volume.read_only else ''}"
                for volume in server.volumes
            ),
        ),
        *_options(
            "--publish",
            (f"{port.host_port}:{port.container_port}/{port.protocol or 'tcp'}" for port in server.ports),
        ),
        *_options("--env", environment),
        fill(server.image),
        *map(fill, server.args),
    )
    return ProgramTransport(arguments, environment, container=name)


def _options(flag: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (flag, value)


def _filled(texts: Mapping[str, str], fill: Fill) -> dict[str, str]:
    return {name: fill(text) for name, text in texts.items()}


def _texts(server: McpServerDefinition) -> Iterator[str]:
    match server.WhichOneof("server_type"):
        case "stdio":
            stdio = server.stdio
            yield from (stdio.command, *stdio.args, *stdio.env_placeholders.values(), stdio.working_dir)
        case "http":
            yield from (server.http.url, *server.http.headers.values(), *server.http.query_params.values())
        case "docker":
            docker = server.docker
            yield from (docker.image, *docker.args, *docker.env_placeholders.values(), docker.network)
            yield docker.container_name
            for volume in docker.volumes:
                yield from (volume.host_path, volume.container_path)
