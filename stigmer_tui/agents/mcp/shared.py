"""An MCP server of an agent as its sub-agent has it: the same connection, perhaps with fewer tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import mcp_types

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.mcp_servers import ServerLaunch


class Server(Protocol):
    """What a run needs of a server that is up."""

    launch: ServerLaunch

    async def tools(self) -> list[mcp_types.Tool]: ...

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str: ...


@dataclass(slots=True)
class SharedServer:
    launch: ServerLaunch
    server: Server

    async def tools(self) -> list[mcp_types.Tool]:
        return [tool for tool in await self.server.tools() if self.launch.enables(tool.name)]

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return await self.server.call(tool, arguments)


async def shared_servers(launches: Iterable[ServerLaunch], servers: Sequence[Server]) -> list[Server]:
    """The servers of a sub-agent, out of those of its agent. Raises StigmerError for a tool that there is not."""
    by_name = {server.launch.name: server for server in servers}
    shared: list[Server] = []
    for launch in launches:
        server = by_name[launch.name]
        offered = {tool.name for tool in await server.tools()}
        if missing := sorted(launch.enabled_tools - offered):
            listed = ", ".join(sorted(offered)) or "none"
            raise StigmerError(f"{launch.name} has no tool {', '.join(missing)}; its tools: {listed}")
        shared.append(SharedServer(launch, server))
    return shared
