"""A workflow that declares its input, from its code over the daemon to the form in the app."""

from __future__ import annotations

from tests.e2e.world import World

ORDERS = """
from stigmer_tui.sdk import Workflow

ORDER = {
    "type": "object",
    "properties": {
        "item": {"type": "string", "description": "What is ordered"},
        "count": {"type": "integer", "default": 1},
        "lines": {"type": "array", "items": {"type": "object", "required": ["price"]}},
    },
    "required": ["item"],
}

with Workflow("orders", input=ORDER) as flow:
    flow.set("result", text=f"{flow.input.count} x {flow.input.item}")
"""


def test_what_does_not_fit_is_refused_and_the_app_asks_for_it(world: World) -> None:
    project = world.project(ORDERS)
    refused = world.run("run", "--message", '{"item": "tea", "lines": [{}]}', cwd=project)
    assert refused.code == 1
    assert refused.err.startswith("Error: The input does not fit: lines[0].price is required\n")
    outside = world.run("run", "orders")
    assert outside.err.startswith("Error: The input does not fit: item is required\n\nGive it as JSON: --message '{")
    assert world.run("list", "executions", "-o", "name").out == ""
    assert "Input:         item, count (optional), lines (optional)" in world.run("describe", "workflow", "orders").out
    with world.window(cwd=project) as window:
        window.shows("item, count")
        window.press("enter")
        window.shows("item +string · What is ordered")
        window.press("enter")
        window.shows("item is required")
        window.type("tea\r")
        window.shows("✓ completed")
        window.shows('"text": "1 x tea"')
        window.press("q")
        assert window.ends() == 0
    ran = world.run("run", "--message", '{"item": "milk"}', "--output", "json", cwd=project)
    assert ran.events[-1]["output"] == {"text": "1 x milk"}
