"""What is done with the run that is shown, and what is noticed."""

from __future__ import annotations

import pytest

from stigmer_tui.tui.palette import offers
from stigmer_tui.tui.screens.main import MainScreen
from stigmer_tui.tui.screens.run_form import RunForm
from stigmer_tui.tui.sizes import PICKER_WIDTH
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.notice_area import NoticeArea
from stigmer_tui.tui.widgets.run_pane import RunPane
from stigmer_tui.workbench.events import Deployed
from stigmer_tui.workbench.state import ApplySummary, Deployment, Level
from tests.tui import states
from tests.tui.hands import click, press, scroll, settle
from tests.tui.samples import at
from tests.tui.workbench import MEDIUM, NARROW, WIDE, keys_shown, running, screen_text


class TestRun:
    async def test_keys_of_a_running_execution(self) -> None:
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "c", "r", "w", "w")
            assert app.asked == ["cancel", "rerun", "toggle watch", "toggle watch"]

    async def test_the_views_change_with_a_key_and_a_click(self) -> None:
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "2")
            assert "· result" not in screen_text(app)
            await press(pilot, "t")
            assert "· result" in screen_text(app)
            await click(pilot, PICKER_WIDTH + 3, 4)
            assert "· result" not in screen_text(app)
            await click(pilot, PICKER_WIDTH + 15, 4)
            assert "· result" in screen_text(app)

    async def test_folding_with_a_key_and_with_the_mouse(self) -> None:
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "2", "g", "j")
            assert '"there"' not in screen_text(app)
            await press(pilot, "enter")
            assert '"there"' in screen_text(app)
            row = next(y for y, line in enumerate(screen_text(app).split("\n")) if "fetch" in line)
            await click(pilot, PICKER_WIDTH + 8, row)
            assert '"there"' not in screen_text(app)

    async def test_following_stops_and_goes_on(self) -> None:
        async with running(states.failed_agent(), NARROW) as (app, pilot):
            await press(pilot, "2")
            entries = app.main.query_one(EntryList)
            seen = [entries.is_following]
            await scroll(pilot, 20, 12, up=True)
            seen.append(entries.is_following)
            for _ in range(2):
                await press(pilot, "f")
                seen.append(entries.is_following)
            assert seen == [True, False, True, False]

    async def test_copying_an_entry(self) -> None:
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "2", "g", "y")
            assert app.copied == ['/greet\n\n{\n  "hello": "world"\n}']

    async def test_the_first_run_gets_the_keys(self) -> None:
        for size in (WIDE, NARROW):
            async with running(states.LISTED, size) as (app, pilot):
                await press(pilot, "enter")
                app.put(shown=states.running_workflow().shown)
                await settle(pilot)
                await press(pilot, "t")
                assert "· result" in screen_text(app)

    async def test_editing_the_input_of_the_shown_run(self) -> None:
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "2", "e")
            assert isinstance(app.screen, RunForm)

    async def test_a_silent_model_is_waited_for_by_name(self) -> None:
        """Point 24: below what was said so far, also where that fills the window."""
        for size in (MEDIUM, (80, 12)):
            async with running(states.silent_agent(), size) as (app, pilot):
                await press(pilot, "2")
                assert "▸ waiting for openai gpt-5-mini, 12 s" in screen_text(app)
                app.stage.fixed_clock.time = at(30)
                app.main.query_one(RunPane)._tick()
                await settle(pilot)
                assert "▸ waiting for openai gpt-5-mini, 38 s" in screen_text(app)

    async def test_nothing_counts_up_while_the_daemon_is_stopped(self) -> None:
        """Point 24: neither the run nor what is in it."""
        async with running(states.running_workflow()) as (app, pilot):
            app.put(daemon=states.lost_daemon().daemon)
            await settle(pilot)
            before = screen_text(app)
            assert "running when last seen" in before
            app.stage.fixed_clock.time = at(400)
            app.put(runs=states.RUNS[:4])
            await pilot.resize_terminal(121, 40)
            await pilot.resize_terminal(*MEDIUM)
            await settle(pilot)
            seen = [line[PICKER_WIDTH:] for line in screen_text(app).split("\n")[1:-1]]
            assert seen == [line[PICKER_WIDTH:] for line in before.split("\n")[1:-1]]

    @pytest.mark.parametrize("width", [40, 60, 80])
    async def test_cancel_is_the_last_key_to_leave_the_footer(self, width: int) -> None:
        """Point 25: what a narrow footer has no room for is not the one key that stops a run."""
        async with running(states.running_workflow(), (width, 15)) as (app, pilot):
            for region in "123":
                await press(pilot, region)
                assert "c cancel" in keys_shown(app)
                assert keys_shown(app).endswith("? help   q quit")

    async def test_a_daemon_that_is_gone_is_looked_for_again(self) -> None:
        async with running(states.lost_daemon()) as (app, pilot):
            await press(pilot, "r", "c")
            assert app.asked == ["retry"]


class TestNotices:
    async def test_all_of_many_at_once_are_shown_one_after_the_other(self) -> None:
        """Point 20: eight warnings in one frame, in a small window."""
        async with running(states.LISTED, NARROW) as (app, pilot):
            texts = [f"workflow tally calls the agent number-{number}" for number in range(8)]
            for text in texts:
                app.stage.store.note(text, Level.WARNING)
            await settle(pilot)
            seen = []
            for _ in texts:
                seen += [text for text in texts if text in screen_text(app) and text not in seen]
                app.main.query_one(NoticeArea).on_click()
                await settle(pilot)
            assert seen == texts
            assert "number-" not in screen_text(app)

    async def test_notices_cover_nothing_of_the_list(self) -> None:
        """Point 26: at 80×24 the whole width of each line of the picker is still seen."""
        async with running(states.LISTED, NARROW) as (app, pilot):
            lines = [line for line in screen_text(app).split("\n")[2:-2] if line]
            app.stage.store.note("The daemon was restarted", Level.WARNING)
            await settle(pilot)
            text = screen_text(app)
            assert "The daemon was restarted" in text
            assert all(line in text.split("\n") for line in lines)

    async def test_a_long_notice_says_that_there_is_more(self) -> None:
        async with running(states.LISTED, NARROW) as (app, pilot):
            app.stage.store.note("first\n\n" + "word " * 200, Level.ERROR)
            await settle(pilot)
            area = app.main.query_one(NoticeArea)
            assert len(area.rows) == 3
            assert area.rows[0].text.endswith("first")
            assert area.rows[-1].text.endswith("…")

    async def test_what_was_said_of_the_last_deployment_is_not_said_again(self) -> None:
        """Point 26: neither at the next save nor at the next start; the list has it."""
        async with running(states.LISTED) as (app, _):
            for warnings in (["one", "two"], ["two"], ["one", "two"]):
                deployment = Deployment(ApplySummary(at(0)), (), frozenset(), tuple(warnings))
                app.stage.store.emit(Deployed(deployment))
            assert [(notice.text, notice.is_known) for notice in app.stage.state.notices] == [
                ("one", False),
                ("two", False),
                ("two", True),
                ("one", False),
                ("two", True),
            ]

    async def test_copying_says_how_much(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "y")
            assert "Copied 4 B" in screen_text(app)

    async def test_all_are_shown_and_can_be_read_again(self) -> None:
        """Point 20: eight warnings at once were one."""
        async with running(states.LISTED) as (app, pilot):
            warnings = [f"workflow w{number} calls an agent that is missing" for number in range(8)]
            for text in warnings:
                app.stage.store.note(text, Level.WARNING)
            await settle(pilot)
            assert app.main.query_one(NoticeArea).rows[0].text.endswith(warnings[0])
            await app.action_notices()
            await settle(pilot)
            text = screen_text(app)
            assert all(f"warning  {warning}" in text for warning in warnings)
            assert text.index("w7") < text.index("w0")
            await press(pilot, "escape")
            assert isinstance(app.screen, MainScreen)
            assert "Notices" in [offer.title for offer in offers(app, app.screen)]

    async def test_that_there_is_none_is_said(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await app.action_notices()
            await settle(pilot)
            assert "No notices yet" in screen_text(app)
