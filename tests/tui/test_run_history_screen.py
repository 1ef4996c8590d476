"""`h`: all runs, found by what happened in them, marked and compared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from stigmer_tui.tui.screens.comparison import ComparisonScreen
from stigmer_tui.tui.screens.full_screen import FullScreen
from stigmer_tui.tui.screens.run_history import RunHistoryScreen
from stigmer_tui.tui.screens.side_by_side import SideBySideScreen
from stigmer_tui.workbench.model import Run, RunState
from stigmer_tui.workbench.run_query import Excerpt, FoundRun
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp
from tests.tui.workbench import screen_text

ENDED = [run for run in states.RUNS if run.state.is_final]


@asynccontextmanager
async def history(*found: FoundRun, width: int = 120) -> AsyncIterator[tuple[StagedApp, Pilot[int]]]:
    app = StagedApp(states.LISTED)
    app.stage.server.found = list(found)
    async with app.run_test(size=(width, 30)) as pilot:
        await settle(pilot)
        await press(pilot, "h")
        assert isinstance(app.screen, RunHistoryScreen)
        await app.screen.workers.wait_for_complete()
        app.screen.draw()
        await settle(pilot)
        yield app, pilot


async def searched(app: StagedApp, pilot: Pilot[int], text: str) -> str:
    await press(pilot, "/", *text)
    await app.screen.workers.wait_for_complete()
    assert isinstance(app.screen, RunHistoryScreen)
    app.screen.draw()
    await settle(pilot)
    return screen_text(app)


def is_on(app: StagedApp, kind: type[FullScreen]) -> bool:
    return isinstance(app.screen, kind)


def found(run: Run, *lines: str) -> FoundRun:
    return FoundRun(run, tuple(Excerpt("Agent", line) for line in lines))


async def test_the_lines_that_tell_stand_below_their_runs() -> None:
    async with history(found(ENDED[0], "there is tea", "more tea"), found(ENDED[1], "no coffee")) as (app, pilot):
        assert "2 found" in screen_text(app)
        shown = await searched(app, pilot, "tea")
        assert "settle-orders" in shown and "Agent: there is tea" in shown and "+1" in shown
        assert "helper" not in shown.partition("1 found")[2]
        assert app.stage.server.searched[-1].text == "tea"
        assert "No run matches" in await searched(app, pilot, "zzz")
        await press(pilot, "escape")
        await app.screen.workers.wait_for_complete()
        assert app.stage.server.searched[-1].text == ""


async def test_a_field_with_a_value_that_it_cannot_have_is_told_and_nothing_goes_away() -> None:
    async with history(found(ENDED[0], "the state: well")) as (app, pilot):
        shown = await searched(app, pilot, "state:odd")
        assert "There is no state odd" in shown and "settle-orders" in shown


async def test_enter_opens_the_selected_run() -> None:
    async with history(*map(found, ENDED)) as (app, pilot):
        await press(pilot, "j", "y", "enter")
        assert app.copied == [ENDED[1].id]
        assert app.asked[-1] == f"open {ENDED[1].id}"
        assert not isinstance(app.screen, RunHistoryScreen)


@pytest.mark.parametrize(
    ("keys", "pair"),
    [
        (("space", "j", "space", "d"), (0, 2)),
        (("j", "j", "space", "g", "d"), (2, 0)),
        (("G", "k", "d"), (3, 2)),
        (("space", "space", "space", "d"), (1, 2)),
        (("space", "k", "space", "j", "d"), (3, 2)),
    ],
    ids=["two marked", "one marked", "the one before", "a third mark", "a mark taken back"],
)
async def test_what_is_compared(keys: tuple[str, ...], pair: tuple[int, int]) -> None:
    runs = [ENDED[0], ENDED[1], ENDED[2], ENDED[3]]
    async with history(*map(found, runs)) as (app, pilot):
        await press(pilot, *keys)
        await app.screen.workers.wait_for_complete()
        await settle(pilot)
        assert is_on(app, ComparisonScreen)
        await app.screen.workers.wait_for_complete()
        await settle(pilot)
        first, second = (runs[number].id for number in pair)
        (row,) = [line for line in screen_text(app).splitlines() if first in line and second in line]
        assert row.index(first) < row.index(second)
        await press(pilot, "b")
        assert is_on(app, SideBySideScreen)
        await press(pilot, "escape", "escape")
        assert is_on(app, RunHistoryScreen)


async def test_a_run_without_another_one_before_it() -> None:
    async with history(found(ENDED[0])) as (app, pilot):
        await press(pilot, "d")
        await app.screen.workers.wait_for_complete()
        assert isinstance(app.screen, RunHistoryScreen)
        app.screen.draw()
        await settle(pilot)
        assert "settle-orders has no run before this one" in screen_text(app)


async def test_the_state_of_a_run_that_goes_on_is_the_newest_that_is_known() -> None:
    running = states.RUNS[0]
    async with history(found(running)) as (app, _):
        assert isinstance(app.screen, RunHistoryScreen)
        assert app.screen.is_live
        ended = Run(running.kind, running.id, running.resource_id, running.resource, RunState.FAILED, error="no tea")
        app.put(runs=(ended,))
        app.screen.draw()
        assert "no tea" in screen_text(app)


async def test_what_a_run_was_found_by_is_selected_in_it() -> None:
    app = StagedApp(states.completed_agent())
    shown = app.stage.state.shown
    assert shown is not None
    run = Run(shown.execution.kind, shown.execution.id, "agt_1", "helper", RunState.COMPLETED, message="sell it")
    app.stage.server.found = [found(run)]
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "h")
        await app.screen.workers.wait_for_complete()
        await searched(app, pilot, "sell it")
        await press(pilot, "enter", "enter")
        app.put(runs=())
        await settle(pilot)
        await press(pilot, "y")
        assert "Sell it" in app.copied[-1]
