"""The tools of all MCP servers of a run, for the framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mcp_types
from pydantic_ai import RunContext
from pydantic_ai.tools import ToolDefinition
from pydantic_ai.toolsets import AbstractToolset, ToolsetTool
from pydantic_core import SchemaValidator, core_schema

from stigmer_tui.agents.mcp.shared import Server
from stigmer_tui.definition.tool_names import ServerTool, ToolNames

_ANY_ARGUMENTS = SchemaValidator(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))
"""The server checks them against its schema."""


class McpToolset(AbstractToolset[None]):
    def __init__(self, connections: Sequence[Server], names: ToolNames) -> None:
        """`names` are those of the agent also in its sub-agents, which may have fewer servers."""
        self._connections = {connection.launch.name: connection for connection in connections}
        self._names = names
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
