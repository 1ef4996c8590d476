"""`h`: all runs, found by what happened in them, marked and compared, run again and deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.pilot import Pilot

from stigmer_tui.tui.screens.comparison import ComparisonScreen
from stigmer_tui.tui.screens.dialogs import DeleteDialog
from stigmer_tui.tui.screens.full_screen import FullScreen
from stigmer_tui.tui.screens.run_form import RunForm
from stigmer_tui.tui.screens.run_history import RunHistoryScreen
from stigmer_tui.tui.screens.side_by_side import SideBySideScreen
from stigmer_tui.workbench.model import Run, RunState
from stigmer_tui.workbench.project_tests import Form
from stigmer_tui.workbench.run_query import Excerpt, FoundRun
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.testing_intents import TestIntents
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp, StagedSession
from tests.tui.workbench import screen_text

ENDED = [run for run in states.RUNS if run.state.is_final]
TOLD = replace(ENDED[1], id="agx_9", message="What is in the notes?")


class RecordedExports(TestIntents):
    def __init__(self, session: StagedSession) -> None:
        super().__init__(session)
        self._store = session.store

    def export(self, execution_id: str, form: Form) -> None:
        self._store.note(f"Wrote a {form} of {execution_id}")


@asynccontextmanager
async def history(
    *found: FoundRun, width: int = 120, inputs: dict[str, RunInput] | None = None
) -> AsyncIterator[tuple[StagedApp, Pilot[int]]]:
    """`inputs` are the last ones, by resource."""
    app = StagedApp(states.LISTED, inputs)
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


async def worked(app: StagedApp, pilot: Pilot[int], *keys: str) -> str:
    """What is on the screen when all that the keys lead to is done."""
    await press(pilot, *keys)
    await app.workers.wait_for_complete()
    if isinstance(app.screen, RunHistoryScreen):
        app.screen.draw()
    await settle(pilot)
    return screen_text(app)


async def test_a_run_is_run_again_with_its_own_message_and_the_variables_of_the_last_one() -> None:
    last = RunInput("the last message", {"LANGUAGE": Value("en")})
    async with history(found(TOLD), inputs={"helper": last}) as (app, pilot):
        await worked(app, pilot, "r")
        assert app.asked[-1] == "start helper"
        assert app.stage.started == [replace(last, message="What is in the notes?")]
        assert not is_on(app, RunHistoryScreen)


async def test_a_run_is_edited_before_it_is_run_again() -> None:
    async with history(found(TOLD)) as (app, pilot):
        assert "What is in the notes?" in await worked(app, pilot, "e")
        assert isinstance(app.screen, RunForm)
        await press(pilot, *"And now?", "enter")
        assert [given.message for given in app.stage.started] == ["And now?"]


async def test_a_value_that_is_missing_is_asked_for_first() -> None:
    async with history(found(ENDED[0])) as (app, pilot):
        assert "API_TOKEN" in await worked(app, pilot, "r")
        assert isinstance(app.screen, RunForm)
        assert app.stage.started == []


async def test_what_is_not_deployed_any_more_is_not_run_again() -> None:
    async with history(found(replace(TOLD, resource_id="agt_9"))) as (app, pilot):
        assert "helper is not deployed any more" in await worked(app, pilot, "r")
        assert is_on(app, RunHistoryScreen)


async def test_a_run_is_deleted_once_that_is_said() -> None:
    async with history(*map(found, ENDED[:2])) as (app, pilot):
        await press(pilot, "x")
        assert isinstance(app.screen, DeleteDialog)
        assert ENDED[0].id in screen_text(app)
        assert "2 found" in await worked(app, pilot, "enter")
        await press(pilot, "x", "escape")
        assert app.stage.server.deleted == []

        await press(pilot, "x", "j")
        shown = await worked(app, pilot, "enter")
        assert app.stage.server.deleted == [ENDED[0].id]
        assert "1 found" in shown and "settle-orders" not in shown.partition("1 found")[2]


async def test_what_has_not_ended_is_not_deleted() -> None:
    async with history(found(states.RUNS[0])) as (app, pilot):
        assert "tally has not ended yet" in await worked(app, pilot, "x")
        assert is_on(app, RunHistoryScreen)


async def test_a_test_is_made_of_a_run_and_what_comes_of_it_is_told_there() -> None:
    async with history(found(ENDED[0])) as (app, pilot):
        app.stage.tests = RecordedExports(app.stage)
        await press(pilot, "E")
        assert f"Wrote a test of {ENDED[0].id}" in screen_text(app)
        assert is_on(app, RunHistoryScreen)


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
