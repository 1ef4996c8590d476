"""The tools of MCP servers, as they change while a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types

from stigmer_tui.agents.mcp.tools import ServerTools
from stigmer_tui.definition.mcp_servers import HttpTransport, ServerLaunch
from stigmer_tui.definition.tool_names import ToolNames


@dataclass
class Shop:
    """A server whose list can change."""

    launch: ServerLaunch
    listed: list[mcp_types.Tool]

    async def tools(self) -> list[mcp_types.Tool]:
        return [tool.model_copy() for tool in self.listed]

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        return f"{tool} {dict(arguments)}"


def tool(name: str, description: str = "") -> mcp_types.Tool:
    return mcp_types.Tool(name=name, description=description, input_schema={"type": "object"})


async def test_a_tool_is_the_same_one_until_its_server_lists_another() -> None:
    shop = Shop(ServerLaunch("shop", HttpTransport("http://localhost", {}, {}, 1), frozenset()), [tool("stock")])
    tools = ServerTools([shop], ToolNames())
    [first] = (await tools.current()).values()
    [again] = (await tools.current()).values()
    assert again is first
    shop.listed = [tool("stock", "What there is"), tool("order")]
    changed, ordered = (await tools.current()).values()
    assert (changed.definition.description, ordered.definition.description) == ("What there is", "")
    assert await changed.call("call", {"tea": "Assam"}) == "stock {'tea': 'Assam'}"
