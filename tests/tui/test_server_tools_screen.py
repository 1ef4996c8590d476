"""`m`: the tools of an agent's MCP servers, and a call of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from textual.widgets import OptionList, Static

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.tui.screens.server_tools import ServerToolsScreen, ToolCallScreen
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.server_tools import ServerTool, ToolServer
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp

SCHEMA = {"properties": {"tea": {"type": "string"}, "grams": {"type": "integer"}}, "required": ["tea", "grams"]}
ORDER = ServerTool("stock", "order", "order", "Order more of a tea.", SCHEMA)


class Tools:
    def __init__(self) -> None:
        self.called: list[tuple[str, str, Mapping[str, Any]]] = []

    async def servers(self, agent: str) -> Sequence[ToolServer]:
        return [
            ToolServer("stock", (ORDER,), 0.2, ""),
            ToolServer("gone", (), 0, "it cannot be started\nno such file"),
        ]

    async def call(self, agent: str, tool: ServerTool, arguments: Mapping[str, Any]) -> str:
        self.called.append((agent, tool.name, arguments))
        if arguments["grams"] > 1000:
            raise StigmerError("too much")
        return "It will come"


def result(app: StagedApp) -> str:
    return str(app.screen.query_one("#tool-result", Static).render())


async def test_a_tool_is_called_by_a_form_of_its_schema() -> None:
    agent = states.HELPER
    app = StagedApp(
        replace(states.LISTED, resources=(agent,), runs=(), preview=Preview(agent, (), has_mcp_servers=True))
    )
    app.stage.tools = tools = Tools()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "m")
        await app.workers.wait_for_complete()
        await settle(pilot)
        rows = [str(option.prompt) for option in app.screen.query_one(OptionList).options]
        assert rows == [
            "✓ stock  1 tool, ready in 200 ms",
            f"  {'order':28}  Order more of a tea.",
            "✗ gone\n  it cannot be started\n  no such file",
        ]
        await press(pilot, "enter")
        await settle(pilot)
        assert isinstance(app.screen, ToolCallScreen)
        await press(pilot, *"Assam")
        await press(pilot, "tab")
        await press(pilot, *"many")
        await press(pilot, "enter")
        await settle(pilot)
        assert result(app) == "grams is an integer, and 'many' is none"
        for grams, said in (("20", "It will come"), ("2000", "too much")):
            await press(pilot, *["backspace"] * 4)
            await press(pilot, *grams)
            await press(pilot, "enter")
            await app.workers.wait_for_complete()
            await settle(pilot)
            assert result(app) == said
        await press(pilot, "escape")
        assert isinstance(app.screen, ServerToolsScreen)
    assert tools.called == [
        (agent.slug, "order", {"tea": "Assam", "grams": 20}),
        (agent.slug, "order", {"tea": "Assam", "grams": 2000}),
    ]


async def test_the_key_is_there_for_agents_with_servers_only() -> None:
    app = StagedApp(replace(states.LISTED, resources=(states.HELPER,), runs=()))
    app.stage.tools = Tools()
    async with app.run_test(size=(120, 40)) as pilot:
        for preview in (None, Preview(states.HELPER, ()), Preview(states.TALLY, (), has_mcp_servers=True)):
            app.put(preview=preview)
            await settle(pilot)
            await press(pilot, "m")
            assert not isinstance(app.screen, ServerToolsScreen)
        app.put(preview=Preview(states.HELPER, (), has_mcp_servers=True))
        await settle(pilot)
        await press(pilot, "m")
        assert isinstance(app.screen, ServerToolsScreen)
