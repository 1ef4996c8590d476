"""The tools of an agent's MCP servers as the app shows and calls them: by the program's own `mcp` commands."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any, Protocol

from stigmer_tui.workbench.own_commands import run_command
from stigmer_tui.workbench.schema_fields import SchemaField, fields_of


@dataclass(frozen=True, slots=True)
class ServerTool:
    server: str
    name: str
    """At its server."""
    shown_name: str
    """What models call it."""
    description: str
    schema: Mapping[str, Any]

    @property
    def arguments(self) -> tuple[SchemaField, ...]:
        return fields_of(self.schema)


@dataclass(frozen=True, slots=True)
class ToolServer:
    name: str
    tools: tuple[ServerTool, ...]
    seconds: float
    """Until it was ready."""
    error: str
    """Why it did not come up; empty where it did."""


class ServerTools(Protocol):
    """All raise StigmerError, with what to do."""

    async def servers(self, agent: str) -> Sequence[ToolServer]:
        """Starts the servers of an agent, and ends them."""
        ...

    async def call(self, agent: str, tool: ServerTool, arguments: Mapping[str, Any]) -> str:
        """The result, as text."""
        ...


class ServerToolCommands:
    def __init__(self, folder: Path, organization: str, environment: Mapping[str, str] = os.environ) -> None:
        """`folder` is where the commands are run: that of the project, where there is one."""
        self._folder = folder
        self._options = ("--org", organization) if organization else ()
        self._environment = environment

    async def servers(self, agent: str) -> Sequence[ToolServer]:
        command = ("mcp", "check", agent, "--output", "json", *self._options)
        finished = await run_command(self._environment, *command, folder=self._folder)
        if not finished.output:
            finished.check()
        return [_server(json.loads(line)) for line in finished.output.splitlines()]

    async def call(self, agent: str, tool: ServerTool, arguments: Mapping[str, Any]) -> str:
        command = ("mcp", "call", tool.server, tool.name, "--agent", agent, "--args", json.dumps(dict(arguments)))
        finished = await run_command(self._environment, *command, *self._options, folder=self._folder)
        finished.check()
        return finished.output


def _server(data: Mapping[str, Any]) -> ToolServer:
    name = str(data["server"])
    tools = (
        ServerTool(name, str(tool["tool"]), str(tool["name"]), cleandoc(str(tool["description"])), tool["input_schema"])
        for tool in data["tools"]
    )
    return ToolServer(name, tuple(tools), float(data["seconds"]), str(data["error"]))
