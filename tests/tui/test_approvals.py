"""A tool call that waits for approval, in the app: what is shown, and what the session is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from stigmer_tui.tui.render.approval import approval_rows
from stigmer_tui.tui.render.glyphs import ASCII, UNICODE
from stigmer_tui.tui.screens.approval import ArgumentsDialog, DenyDialog
from stigmer_tui.tui.widgets.approval_panel import GRACE
from stigmer_tui.workbench.approvals import Allow, Deny, Verdict, waiting_calls
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.state import WorkbenchState
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.samples import agent_execution
from tests.tui.stage import StagedApp
from tests.tui.workbench import running, screen_text
from tests.workbench.trees import put, tool_call


def asking() -> Execution:
    execution = agent_execution()
    put(execution, tool_call("c9", "execute", {"command": "rm -r build"}, RunState.WAITING))
    return execution


def state_of(execution: Execution) -> WorkbenchState:
    return replace(states.LISTED, shown=states.showing(execution, states.HELPER))


async def pass_time(app: StagedApp) -> None:
    app.stage.fixed_clock.time += timedelta(seconds=2 * GRACE)


def test_the_first_call_is_named_and_the_others_are_counted() -> None:
    execution = asking()
    put(execution, tool_call("c10", "write_file", {"file_path": "/a"}, RunState.WAITING))
    _, call, keys = approval_rows(waiting_calls(execution), 90, UNICODE)
    assert " ".join(call.text.split()) == "◔ execute rm -r build wants to run, and 1 other call after it"
    assert keys.text.strip() == "a allow   A allow in this run   E edit the arguments   d deny, with a reason"
    assert all(len(row.text) <= 90 for row in approval_rows(waiting_calls(execution), 90, ASCII))


@pytest.mark.parametrize(("key", "verdict"), [("a", Allow()), ("A", Allow(is_for_run=True))])
async def test_a_key_allows_it(key: str, verdict: Verdict) -> None:
    async with running(state_of(asking())) as (app, pilot):
        assert "wants to run" in screen_text(app)
        await press(pilot, "2")
        await pass_time(app)
        await press(pilot, key)
        assert app.stage.decided == [("c9", verdict)]


async def test_what_is_typed_in_the_first_moment_is_no_answer() -> None:
    async with running(state_of(asking())) as (app, pilot):
        await press(pilot, "2", "a", "A", "d", "E")
        assert app.stage.decided == []
        assert not isinstance(app.screen, (DenyDialog, ArgumentsDialog))


async def test_it_is_denied_with_a_reason() -> None:
    async with running(state_of(asking())) as (app, pilot):
        await press(pilot, "2")
        await pass_time(app)
        await press(pilot, "d", *"no", "enter")
        assert app.stage.decided == [("c9", Deny("no"))]


@pytest.mark.parametrize("written", ["", "and"])
async def test_who_waits_at_the_empty_line_for_messages_can_answer_at_once(written: str) -> None:
    execution = agent_execution()
    execution.session = "ses_1"
    async with running(state_of(execution)) as (app, pilot):
        await press(pilot, "2", "i", *written)
        put(execution, tool_call("c9", "execute", {"command": "rm -r build"}, RunState.WAITING))
        app.main.show(state_of(execution))
        await settle(pilot)
        await pass_time(app)
        await press(pilot, "a")
        assert app.stage.decided == ([] if written else [("c9", Allow())])


async def test_its_arguments_are_edited_until_they_are_an_object() -> None:
    async with running(state_of(asking())) as (app, pilot):
        await press(pilot, "2")
        await pass_time(app)
        await press(pilot, "E")
        assert isinstance(app.screen, ArgumentsDialog)
        area = app.screen._text
        area.text = "[1"
        await press(pilot, "enter")
        assert "This is not JSON" in str(app.screen._problem.content)
        area.text = "[1]"
        await press(pilot, "enter")
        assert "This is not a JSON object" in str(app.screen._problem.content)
        assert app.stage.decided == []
        area.text = '{"command": "ls"}'
        await press(pilot, "enter")
        assert app.stage.decided == [("c9", Allow({"command": "ls"}))]


@pytest.mark.parametrize("key", ["d", "E"])
async def test_a_dialog_that_is_left_decides_nothing(key: str) -> None:
    async with running(state_of(asking())) as (app, pilot):
        await press(pilot, "2")
        await pass_time(app)
        await press(pilot, key, "escape")
        assert app.stage.decided == []


async def test_where_nothing_waits_nothing_is_asked() -> None:
    execution = asking()
    async with running(state_of(execution)) as (app, pilot):
        await press(pilot, "2")
        put(execution, tool_call("c9", "execute", {"command": "rm -r build"}, RunState.RUNNING))
        app.put()
        await settle(pilot)
        await pass_time(app)
        await press(pilot, "a", "d")
        assert "wants to run" not in screen_text(app)
        assert app.stage.decided == []
