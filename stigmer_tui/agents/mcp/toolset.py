"""The tools of all MCP servers of a run, for the framework."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import mcp_types
from pydantic_ai import RunContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from stigmer_tui.agents.mcp.connection import ServerConnection
from stigmer_tui.agents.mcp.surroundings import Surroundings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.mcp_servers import ServerLaunch
from stigmer_tui.definition.support import TOOLS

MAX_NAME_LENGTH = 64
"""Characters that every provider takes."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_ANY_ARGUMENTS = SchemaValidator(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))
"""The server checks them against its schema."""

ServerTool = tuple[str, str]
"""Names of a server and of one of its tools."""


class ToolNames:
    """What models call the tools of servers. A name that was given stays, also when others come and go."""

    def __init__(self) -> None:
        self._names: dict[ServerTool, str] = {}

    def give(self, tools: Sequence[ServerTool]) -> dict[str, ServerTool]:
        """All tools by name: their own, or `SERVER_TOOL` where two have the same one or it is that of a built-in."""
        new = [tool for tool in tools if tool not in self._names]
        taken = {*TOOLS, *self._names.values()}
        bare = [_fit(tool) for _, tool in new]
        for server, tool in new:
            name = _fit(tool)
            if name in taken or bare.count(name) > 1:
                name = _unique(_fit(f"{server}_{tool}"), {*taken, *bare})
            self._names[server, tool] = name
            taken.add(name)
        return {self._names[tool]: tool for tool in tools}


class McpToolset(AbstractToolset[None]):
    def __init__(self, connections: Sequence[ServerConnection]) -> None:
        self._connections = {connection.launch.name: connection for connection in connections}
        self._names = ToolNames()
        self._tools: dict[str, ServerTool] = {}

    @property
    def id(self) -> str:
        return "mcp"

    async def get_tools(self, ctx: RunContext[None]) -> dict[str, ToolsetTool[None]]:
        listed = {
            (server, tool.name): tool
            for server, connection in self._connections.items()
            for tool in await connection.tools()
        }
        self._tools = self._names.give(list(listed))
        return {name: self._tool(name, listed[key], ctx) for name, key in self._tools.items()}

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> str:
        server, own_name = self._tools[name]
        return await self._connections[server].call(own_name, tool_args)

    def _tool(self, name: str, tool: mcp_types.Tool, ctx: RunContext[None]) -> ToolsetTool[None]:
        # One after the other, like all tools: one may build on the one before.
        definition = ToolDefinition(
            name=name, description=tool.description, parameters_json_schema=tool.input_schema, sequential=True
        )
        return ToolsetTool(
            toolset=self, tool_def=definition, max_retries=ctx.max_retries, args_validator=_ANY_ARGUMENTS
        )


@asynccontextmanager
async def connected_servers(
    launches: Iterable[ServerLaunch], surroundings: Surroundings
) -> AsyncIterator[list[ServerConnection]]:
    """Servers that are started at the same time, and that are gone when the block ends, however it ends.

    Raises StigmerError for the first one that does not come up.
    """
    connections = [ServerConnection(launch, surroundings) for launch in launches]
    try:
        try:
            async with asyncio.TaskGroup() as group:
                for connection in connections:
                    group.create_task(connection.start())
        except BaseExceptionGroup as errors:
            raise _first_error(errors) from None
        yield connections
    finally:
        closing = asyncio.gather(*(connection.close() for connection in connections))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise


def _first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    refusals = errors.subgroup(StigmerError)
    return (refusals or errors).exceptions[0]


def _fit(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:MAX_NAME_LENGTH] or "_"


def _unique(name: str, taken: set[str]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique = f"{name[: MAX_NAME_LENGTH - 4]}_{number}"
        number += 1
    return unique
