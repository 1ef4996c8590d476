"""The tools of an agent's MCP servers as the app shows and calls them: by the program's own `mcp` commands."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any, Protocol

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.workbench.own_commands import run_command

TYPES: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
"""What JSON makes of the types of a schema, but for texts."""


@dataclass(frozen=True, slots=True)
class ToolArgument:
    name: str
    type: str
    """As in a JSON schema; empty where it may be of several."""
    description: str
    is_required: bool
    default: str
    choices: tuple[str, ...]

    def value(self, text: str) -> Any:
        """Of what a person has typed. Raises StigmerError for what is not of its type."""
        if self.choices:
            found = next((choice for choice in self.choices if choice == text), None)
            if found is None:
                raise StigmerError(f"{self.name} is one of {', '.join(self.choices)}")
        if self.type == "string":
            return text
        try:
            value = from_json(text)
        except ValueError:
            value = text
        expected = TYPES.get(self.type)
        is_flag = isinstance(value, bool)
        if expected and (not isinstance(value, expected) or (is_flag and self.type != "boolean")):
            article = "an" if self.type[0] in "aio" else "a"
            raise StigmerError(f"{self.name} is {article} {self.type}, and {text!r} is none")
        return value


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
    def arguments(self) -> tuple[ToolArgument, ...]:
        required = self.schema.get("required", ())
        properties = self.schema.get("properties", {})
        return tuple(_argument(name, about, name in required) for name, about in properties.items())


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


def typed_arguments(tool: ServerTool, texts: Mapping[str, str]) -> dict[str, Any]:
    """What a person has typed, by name; without those that are left empty. Raises StigmerError for a wrong one."""
    values = {}
    for argument in tool.arguments:
        if text := texts.get(argument.name, "").strip():
            values[argument.name] = argument.value(text)
        elif argument.is_required and argument.type != "string":
            raise StigmerError(f"{argument.name} is required")
        elif argument.is_required:
            values[argument.name] = ""
    return values


def _argument(name: str, about: Any, is_required: bool) -> ToolArgument:
    said = about if isinstance(about, dict) else {}
    type_ = said.get("type", "")
    default = said.get("default")
    return ToolArgument(
        name,
        type_ if isinstance(type_, str) else "",
        str(said.get("description", "")),
        is_required,
        "" if default is None else default if isinstance(default, str) else json.dumps(default),
        tuple(str(choice) for choice in said.get("enum", ())),
    )


def _server(data: Mapping[str, Any]) -> ToolServer:
    name = str(data["server"])
    tools = (
        ServerTool(name, str(tool["tool"]), str(tool["name"]), cleandoc(str(tool["description"])), tool["input_schema"])
        for tool in data["tools"]
    )
    return ToolServer(name, tuple(tools), float(data["seconds"]), str(data["error"]))
