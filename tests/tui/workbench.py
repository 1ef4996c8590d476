"""The app on a staged session, and what can be read of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from stigmer_tui.tui.widgets.key_bar import KeyBar
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.state import RunInput, WorkbenchState
from tests.tui.hands import settle
from tests.tui.stage import StagedApp

WIDE, MEDIUM, NARROW = (160, 48), (120, 40), (80, 24)


@asynccontextmanager
async def running(
    state: WorkbenchState, size: tuple[int, int] = MEDIUM, inputs: dict[str, RunInput] | None = None
) -> AsyncIterator[tuple[StagedApp, Pilot[int]]]:
    app = StagedApp(state, inputs)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        yield app, pilot


def selected(app: StagedApp) -> str:
    item = app.main.query_one(Picker).selected_item
    return item.slug if isinstance(item, Resource) else item.id if isinstance(item, Run) else ""


def screen_text(app: StagedApp) -> str:
    """The rows of the workbench as they are read."""
    width, height = app.size
    strips = app.screen._compositor.render_strips(app.size)
    assert (strips[0].cell_length, len(strips)) == (width, height)
    return "\n".join(strip.text.rstrip() for strip in strips)


def keys_shown(app: StagedApp) -> str:
    return app.main.query_one(KeyBar).rows[0].text.strip()
