"""The tools of all MCP servers of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mcp_types
from pydantic_ai.tools import ToolDefinition

from stigmer_tui.agents.mcp.shared import Server
from stigmer_tui.agents.tools.tool import ANY_ARGUMENTS, AgentTool, Tools
from stigmer_tui.definition.tool_names import ToolNames


class ServerTools:
    def __init__(self, servers: Sequence[Server], names: ToolNames) -> None:
        """`names` are those of the agent also in its sub-agents, which may have fewer servers."""
        self._servers = {server.launch.name: server for server in servers}
        self._names = names
        self._made: dict[str, tuple[mcp_types.Tool, AgentTool]] = {}
        """By name: what a server has listed, and the tool made of it, which stays the same one as long as that does."""

    async def current(self) -> Tools:
        """What the servers have now, which may change while they run."""
        listed = {
            (name, tool.name): (server, tool) for name, server in self._servers.items() for tool in await server.tools()
        }
        return {name: self._tool(name, *listed[key]) for name, key in self._names.give(list(listed)).items()}

    def _tool(self, name: str, server: Server, listed: mcp_types.Tool) -> AgentTool:
        if name not in self._made or self._made[name][0] != listed:
            self._made[name] = listed, _tool(name, server, listed)
        return self._made[name][1]


def _tool(name: str, server: Server, tool: mcp_types.Tool) -> AgentTool:
    # One after the other, like all tools: one may build on the one before.
    definition = ToolDefinition(
        name=name, description=tool.description, parameters_json_schema=tool.input_schema, sequential=True
    )

    async def carry_out(arguments: dict[str, Any]) -> str:
        return await server.call(tool.name, arguments)

    # The server checks the arguments against its schema.
    return AgentTool(definition, ANY_ARGUMENTS, carry_out)
