"""What the person does with keys and the mouse, and what the session is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from textual.command import CommandList
from textual.pilot import Pilot

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.tui.palette import offers
from stigmer_tui.tui.screens.dialogs import QuitDialog
from stigmer_tui.tui.screens.help import HelpScreen
from stigmer_tui.tui.screens.main import MainScreen
from stigmer_tui.tui.screens.run_form import RunForm
from stigmer_tui.tui.sizes import PICKER_WIDTH, SIDEBAR_WIDTH
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.key_bar import KeyBar
from stigmer_tui.tui.widgets.notice_area import NoticeArea
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.tui.widgets.run_pane import RunPane
from stigmer_tui.tui.widgets.sidebar import Sidebar
from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.events import Deployed
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.state import ApplySummary, Deployment, Level, RunInput, ShownRun, Value, WorkbenchState
from tests.tui import states
from tests.tui.hands import click, press, press_at_once, scroll, settle
from tests.tui.samples import at
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


class TestPicker:
    async def test_arrows_and_letters_move(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            assert selected(app) == "tally"
            for keys, slug in (
                (("down", "j"), "summarise"),
                (("j",), "helper"),
                (("k", "up"), "settle-orders"),
                (("G",), "wfx_5"),
                (("down",), "wfx_5"),
                (("g",), "tally"),
                (("up",), "tally"),
                (("pagedown",), "wfx_5"),
                (("ctrl+u",), "tally"),
            ):
                await press(pilot, *keys)
                assert selected(app) == slug, keys

    async def test_enter_runs_a_resource_and_shows_a_run(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "enter")
            assert app.asked == ["start tally"]
            assert isinstance(app.focused, EntryList)
            await press(pilot, "escape", "G", "enter")
            assert app.asked == ["start tally", "open wfx_5"]

    async def test_a_filter_narrows_the_list_until_it_is_cleared(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "/", *"order")
            assert selected(app) == "settle-orders"
            await press(pilot, "enter", "j")
            assert selected(app) == "wfx_2"
            await press(pilot, "escape")
            assert app.main.query_one(Picker).selected_item in states.RUNS
            await press(pilot, "g")
            assert selected(app) == "tally"

    async def test_a_filter_gets_what_is_typed_before_it_has_the_focus(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press_at_once(pilot, "/", *"order")
            assert selected(app) == "settle-orders"

    async def test_what_is_selected_stays_so_when_the_list_grows(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "j")
            new = replace(states.TALLY, id="wf_9", slug="new", name="new")
            app.put(resources=(new, *states.RESOURCES))
            await settle(pilot)
            assert selected(app) == "summarise"

    async def test_copying_the_id_of_a_line(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "y", "G", "y")
            assert app.copied == ["wf_1", "wfx_5"]

    async def test_the_mouse_selects_with_one_click_and_runs_with_two(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await click(pilot, 5, 6)
            assert (selected(app), app.asked) == ("settle-orders", [])
            await click(pilot, 5, 5)
            await click(pilot, 5, 5, times=2)
            assert app.asked == ["start tally"]

    async def test_a_thousand_runs_are_scrolled_with_wheel_and_keys(self) -> None:
        runs = tuple(replace(states.RUNS[4], id=f"wfx_{number}") for number in range(1000))
        async with running(replace(states.LISTED, runs=runs)) as (app, pilot):
            assert "Workflows" in screen_text(app)
            for _ in range(12):
                await scroll(pilot, 5, 10)
            assert "Workflows" not in screen_text(app)
            await press(pilot, "G")
            assert selected(app) == "wfx_999"
            await press(pilot, "g")
            assert "Workflows" in screen_text(app)

    async def test_an_empty_list_says_why_it_is_empty(self) -> None:
        """Point 24: nobody is told to wait for what does not come."""
        for state, said in (
            (WorkbenchState(), "Connecting …"),
            (WorkbenchState(states.RUNNING_DAEMON), "Looking …"),
            (WorkbenchState(states.RUNNING_DAEMON, listed=True), "Nothing deployed yet"),
            (WorkbenchState(DaemonState(problem="It cannot listen")), "Not connected"),
        ):
            async with running(WorkbenchState()) as (app, pilot):
                app.put(daemon=state.daemon, listed=state.listed)
                await settle(pilot)
                assert app.main.query_one(Picker).row(0).text.strip() == said


class TestRegions:
    @pytest.mark.parametrize("size", [WIDE, MEDIUM, NARROW])
    async def test_tab_goes_round(self, size: tuple[int, int]) -> None:
        async with running(states.running_workflow(), size) as (app, pilot):
            seen = []
            for _ in range(3):
                await press(pilot, "tab")
                seen.append(type(app.focused))
            narrow = [EntryList, Sidebar, Picker]
            assert seen == (narrow if size == NARROW else [EntryList, Picker, EntryList])

    async def test_a_narrow_window_shows_one_region_at_a_time(self) -> None:
        async with running(states.running_workflow(), NARROW) as (app, pilot):
            for key, text in (("2", "Transcript"), ("3", "pid 4711"), ("1", "Recent runs")):
                await press(pilot, key)
                assert [word for word in ("Transcript", "pid 4711", "Recent runs") if word in screen_text(app)] == [
                    text
                ]
            await press(pilot, "enter")
            assert "Transcript" in screen_text(app)
            await press(pilot, "escape")
            assert "Recent runs" in screen_text(app)

    @pytest.mark.parametrize("size", [WIDE, MEDIUM, NARROW])
    async def test_three_goes_to_the_daemon(self, size: tuple[int, int]) -> None:
        """Point 25: at every width, and again when one is there already; `esc` leads back."""
        async with running(states.running_workflow(), size) as (app, pilot):
            for keys in (("3",), ("3",), ("2", "3"), ("]", "3")):
                await press(pilot, *keys)
                assert "pid 4711" in screen_text(app), keys
                assert isinstance(app.focused, Sidebar)
            await press(pilot, "escape")
            assert isinstance(app.focused, EntryList if size == MEDIUM else Picker)

    @pytest.mark.parametrize("size", [WIDE, MEDIUM])
    async def test_the_side_regions_fold(self, size: tuple[int, int]) -> None:
        async with running(states.running_workflow(), size) as (app, pilot):
            had_sidebar = "pid 4711" in screen_text(app)
            await press(pilot, "]")
            assert ("pid 4711" in screen_text(app)) is not had_sidebar
            await press(pilot, "]", "[")
            assert "Recent runs" not in screen_text(app)
            await press(pilot, "/")
            assert "Recent runs" in screen_text(app)

    async def test_what_has_failed_says_why_and_is_tried_again_from_the_sidebar(self) -> None:
        async with running(states.failed_agents()) as (app, pilot):
            await press(pilot, "r")
            await press(pilot, "3")
            for part in ("too often", "error: no room", "r here: try again"):
                assert part in screen_text(app)
            await press(pilot, "r")
            assert app.asked == ["rerun", "retry failed"]
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "3")
            await press(pilot, "r")
            assert app.asked == ["rerun"]

    async def test_the_sidebar_covers_nothing_of_the_pane(self) -> None:
        """Point 26: what opens beside the run takes its room, and lines that no longer fit are cut with a mark."""
        async with running(states.running_workflow(), (100, 30)) as (app, pilot):
            await press(pilot, "]")
            pane, sidebar = app.main.query_one(RunPane).region, app.main.query_one(Sidebar).region
            assert not pane.overlaps(sidebar)
            assert pane.width >= 30

    async def test_the_screen_is_divided_as_the_skeleton_is(self) -> None:
        async with running(states.running_workflow(), WIDE) as (app, _):
            assert app.main.query_one("#picker-region").region.width == PICKER_WIDTH
            assert app.main.query_one(Sidebar).region.width == SIDEBAR_WIDTH
            top, side = screen_text(app).split("\n")[1:3]
            assert [column for column, sign in enumerate(top) if sign == "┬"] == [
                column for column, sign in enumerate(side) if sign == "│"
            ]

    async def test_every_width_and_back(self) -> None:
        async with running(states.running_workflow(), WIDE) as (app, pilot):
            whole = screen_text(app)
            for width, height in ((139, 40), (100, 30), (99, 30), (80, 24), (39, 11), (160, 48)):
                await pilot.resize_terminal(width, height)
                await settle(pilot)
                assert max(map(len, screen_text(app).split("\n"))) <= width
            assert screen_text(app) == whole


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


class TestForm:
    async def test_what_is_missing_is_asked_for_before_anything_runs(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "enter")
            assert isinstance(app.screen, RunForm)
            await press(pilot, "enter")
            assert "API_TOKEN has no value" in screen_text(app)
            await press(pilot, *"s3cret")
            text = screen_text(app)
            assert "s3cret" not in text
            assert "••••••" in text
            await press(pilot, "ctrl+e")
            assert "s3cret" in screen_text(app)
            await press(pilot, "enter")
            assert app.asked == ["start settle-orders"]
            assert app.stage.started == [RunInput("", {"API_TOKEN": Value("s3cret", is_secret=True)})]

    async def test_a_secret_is_remembered_when_the_person_says_so(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "enter", *"s3cret", "ctrl+r")
            assert "typed · goes to the keyring" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.kept == [{"API_TOKEN": "s3cret"}]

    async def test_what_is_remembered_is_filled_in_and_forgotten_on_request(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            app.stage.remembered = {"API_TOKEN": "s3cret"}
            await press(pilot, "j", "e", "tab")
            assert "keyring" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.kept == []
            assert app.stage.started == [RunInput("", {"API_TOKEN": Value("s3cret", is_secret=True)})]
            await press(pilot, "1", "e", "tab", "ctrl+r")
            assert "keyring · leaves the keyring" in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.kept == [{"API_TOKEN": ""}]

    async def test_without_a_value_all_the_same(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "enter", "ctrl+s")
            assert app.stage.started == [RunInput()]

    async def test_message_variables_and_others(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", *"one", "ctrl+j", *"two", "tab", *"A=1", "enter")
            assert app.stage.started == [RunInput("one\ntwo", {"A": Value("1")})]

    async def test_what_cannot_be_read_is_said(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", "tab", *"nonsense", "enter")
            assert "nonsense is not of the form KEY=VALUE" in screen_text(app)
            assert app.asked == []

    async def test_what_was_typed_is_there_again(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", *"kept", "escape")
            assert isinstance(app.screen, MainScreen)
            await press(pilot, "e")
            assert "kept" in screen_text(app)

    async def test_a_value_of_the_last_run_that_is_taken_away_is_missing(self) -> None:
        inputs = {"settle-orders": RunInput("", {"API_TOKEN": Value("old", is_secret=True)})}
        async with running(states.LISTED, inputs=inputs) as (app, pilot):
            await press(pilot, "j", "e", "tab")
            assert "last run" in screen_text(app)
            await press(pilot, "ctrl+u", "enter")
            assert "API_TOKEN has no value" in screen_text(app)
            assert app.asked == []

    async def test_all_that_was_typed_is_there_again(self) -> None:
        """Point 23: fields, and lines that are not of the form KEY=VALUE yet."""
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "e", *"s3cret", "tab", *"us", "tab", "tab", *"A=1", "ctrl+j", *"B", "escape")
            await press(pilot, "e", "tab", "ctrl+e")
            for text in ("s3cret", "us", "A=1", "B"):
                assert text in screen_text(app)
            await press(pilot, "enter")
            assert "B is not of the form KEY=VALUE" in screen_text(app)

    async def test_a_secret_among_the_other_variables_is_masked(self) -> None:
        """Point 23: while it is typed, in a draft, and with the input of the last run."""
        inputs = {"tally": RunInput("", {"OLD": Value("0ld-secret", is_secret=True), "PLAIN": Value("seen")})}
        async with running(states.LISTED, inputs=inputs) as (app, pilot):
            await press(pilot, "e", "tab")
            assert "secret:OLD=••••••••••" in screen_text(app)
            await press(pilot, "down", "end", "ctrl+j", *"secret:TOKEN=hunter2 秘密")
            text = screen_text(app)
            assert "secret:TOKEN=••••••••••••" in text
            assert "PLAIN=seen" in text
            assert "hunter2" not in text
            assert "0ld-secret" not in text
            await press(pilot, "escape", "e")
            assert "hunter2" not in screen_text(app)
            await press(pilot, "enter")
            assert app.stage.started[0].environment == {
                "OLD": Value("0ld-secret", is_secret=True),
                "PLAIN": Value("seen"),
                "TOKEN": Value("hunter2 秘密", is_secret=True),
            }

    async def test_a_message_of_an_error_shows_no_secret(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "e", "tab", *"secret:=hunter2", "enter")
            assert "secret:… is not of the form KEY=VALUE" in screen_text(app)
            assert "hunter2" not in screen_text(app)

    async def test_an_empty_default_is_a_value(self) -> None:
        """Point 23: nothing is missing, and nothing is asked for."""
        variables = (RunVariable("SUFFIX", has_value=True, used_by=("greet",)),)
        resources = (replace(states.TALLY, variables=variables),)
        async with running(replace(states.LISTED, resources=resources)) as (app, pilot):
            await press(pilot, "e")
            assert "default" in screen_text(app)
            assert "empty" in screen_text(app)
            await press(pilot, "escape", "enter")
            assert app.asked == ["start tally"]

    @pytest.mark.parametrize("size", [(60, 15), (40, 12), (80, 24)])
    async def test_every_field_is_seen_when_it_has_the_keys(self, size: tuple[int, int]) -> None:
        """Point 23: with its name above it, and with the keys and the note below."""
        async with running(states.LISTED, size) as (app, pilot):
            await press(pilot, "j", "e")
            body = app.screen.query_one("#form-body").region
            for name in ("API_TOKEN", "REGION", "DRY_RUN", "Other variables", "message"):
                focused = app.focused
                assert focused is not None
                await pilot.pause()
                assert focused.region.height >= min(3, focused.outer_size.height)
                assert body.contains_region(focused.region)
                assert name in screen_text(app), name
                assert "enter run" in screen_text(app)
                await press(pilot, "tab")
            await press(pilot, "enter")
            assert "API_TOKEN has no value" in screen_text(app)
            assert "enter run" in screen_text(app)

    async def test_an_agent_is_always_asked_for_a_message(self) -> None:
        """Point 23: with the last one selected, so that typing replaces it and enter sends it again."""
        inputs = {"helper": RunInput("What is new?")}
        for keys, message in (((), "What is new?"), (tuple("Hi"), "Hi")):
            async with running(states.LISTED, inputs=inputs) as (app, pilot):
                await press(pilot, "j", "j", "j", "enter")
                assert "What is new?" in screen_text(app)
                await press(pilot, *keys, "enter")
                assert app.stage.started == [RunInput(message)]

    async def test_an_agent_is_told_something_first(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "j", "j", "j", "enter")
            assert isinstance(app.screen, RunForm)
            await press(pilot, *"hello", "enter")
            assert app.stage.started == [RunInput("hello")]


class TestDialogs:
    async def test_quitting_with_a_live_run_asks_first(self) -> None:
        for keys, asked, ends in (
            (("escape",), [], False),
            (("j", "j", "enter"), [], False),
            (("enter",), [], True),
            (("j", "enter"), ["cancel all"], True),
            (("q",), [], True),
            (("ctrl+q",), [], True),
        ):
            async with running(states.running_workflow()) as (app, pilot):
                app.stage.unfinished_runs = [states.RUNS[0]]
                await press(pilot, "q")
                assert isinstance(app.screen, QuitDialog)
                assert "enter select   q quit   esc stay" in screen_text(app)
                await press(pilot, *keys)
                assert (app.asked, app.return_value) == (asked, 0 if ends else None), keys

    async def test_quitting_with_nothing_to_lose(self) -> None:
        async with running(states.LISTED) as (app, pilot):
            await press(pilot, "q")
            assert app.return_value == 0

    async def test_help_lists_and_filters(self) -> None:
        async with running(states.running_workflow()) as (app, pilot):
            await press(pilot, "?")
            assert isinstance(app.screen, HelpScreen)
            assert "Run it again with the same input" in screen_text(app)
            await press(pilot, *"copy")
            assert "Run it again with the same input" not in screen_text(app)
            assert "Copy what is selected" in screen_text(app)
            await press(pilot, "escape")
            assert isinstance(app.screen, MainScreen)

    async def test_the_palette_offers_what_can_be_done(self) -> None:
        for state, title, asked in (
            (states.LISTED, "Run summarise", "start summarise"),
            (states.running_workflow(), "Cancel run", "cancel"),
            (states.running_workflow(), "Re-run", "rerun"),
            (states.running_workflow(), "Turn watch off", "toggle watch"),
            (states.running_workflow(), "Stop the daemon", "stop daemon"),
            (states.running_workflow(), "Restart the daemon", "restart daemon"),
            (states.running_workflow(), "Restart agents", "restart agent-runner"),
            (states.lost_daemon(), "Start the daemon", "retry"),
        ):
            async with running(state) as (app, _):
                commands = {offer.title: offer.run for offer in offers(app, app.screen)}
                done = commands[title]()
                if done is not None:
                    await done
                assert app.asked == [asked]
                assert ("Cancel run" in commands) is bool(state.shown and not state.daemon.problem)
                assert ("Turn watch on" in commands) is False

    async def test_the_palette_begins_with_what_can_be_done_here(self) -> None:
        """Point 25: not with the input of twenty resources, which typing finds."""
        async with running(states.running_workflow()) as (app, pilot):
            for region, first, second in (("1", "Run", "Edit input and run"), ("2", "Toggle follow", "Show tasks")):
                await press(pilot, region)
                await press(pilot, "ctrl+p")
                options = app.screen.query_one(CommandList).options
                titles = [str(option.prompt).split("\n")[0].split("  ")[0] for option in options]
                assert titles[:2] == [first, second]
                here = titles.index("Restart the daemon")
                assert {"Cancel run", "Turn watch off", "Filter"} <= set(titles[:here])
                assert titles.index("Run tally") > here
                assert not any(title.startswith("Edit input and run ") for title in titles)
                await press(pilot, *"edit input")
                found = [str(option.prompt) for option in app.screen.query_one(CommandList).options]
                assert any(text.startswith("Edit input and run tally") for text in found)
                await press(pilot, "escape")


@pytest.mark.parametrize(
    ("state", "region"),
    [
        (lambda: states.LISTED, "1"),
        (states.outside, "1"),
        (states.running_workflow, "2"),
        (states.lost_daemon, "2"),
    ],
    ids=["picker", "outside", "run", "lost-daemon"],
)
async def test_every_key_that_is_shown_does_something(state: Callable[[], WorkbenchState], region: str) -> None:
    async with running(state()) as (app, pilot):
        await press(pilot, region)
        bindings = [active.binding for active in app.screen.active_bindings.values() if active.binding.show]
    assert bindings
    for binding in bindings:
        async with running(state()) as (app, pilot):
            await press(pilot, region)
            before = trace(app)
            await press(pilot, binding.key)
            assert trace(app) != before, f"{binding.key} {binding.description}"


def trace(app: StagedApp) -> tuple[object, ...]:
    """All by which one sees that something happened."""
    if not app.is_running:
        return ("ended",)
    follows = app.main.query_one(EntryList).is_following
    return (
        list(app.asked),
        list(app.copied),
        type(app.screen),
        app.focused,
        follows,
        app.return_value,
        screen_text(app),
    )


class TestElsewhere:
    """Point 22: what another project has deployed is not mistaken for one's own."""

    OTHER = Resource(ResourceKind.WORKFLOW, "wf_9", "a-payout", "a-payout", project="bank")
    OTHERS_RUN = Run(ResourceKind.WORKFLOW, "wfx_9", "wf_9", "a-payout", RunState.COMPLETED)

    def state(self, is_deployed: bool = True) -> WorkbenchState:
        return replace(
            states.LISTED,
            resources=(self.OTHER, *states.RESOURCES),
            runs=(self.OTHERS_RUN, *states.RUNS),
            project=states.PROJECT if is_deployed else replace(states.PROJECT, defines=None),
        )

    async def test_what_the_code_no_longer_defines_goes_there_when_that_is_deployed(self) -> None:
        """Also where the lists of the server stay as they are."""
        async with running(states.LISTED) as (app, pilot):
            project = app.session.state.project
            assert project is not None
            before = screen_text(app)
            own = frozenset(key for key in project.defines or () if key.slug != "settle-orders")
            app.stage.store.put(replace(states.LISTED, project=replace(project, defines=own)))
            await settle(pilot)
            assert "  settle-orders" in before
            assert "+ Elsewhere" in screen_text(app)
            assert "  settle-orders" not in screen_text(app)

    async def test_own_come_first_and_are_counted_the_rest_is_folded(self) -> None:
        async with running(self.state(), WIDE) as (app, pilot):
            assert selected(app) == "tally"
            text = screen_text(app)
            assert "3 workflows · 2 agents" in text
            assert "a-payout" not in text
            assert "+ Elsewhere" in text
            await press(pilot, "G")
            assert "fold" in keys_shown(app)
            await press(pilot, "enter")
            assert "− Elsewhere" in screen_text(app)
            assert screen_text(app).count("a-payout") == 2
            await press(pilot, "down", "enter")
            assert app.asked == ["start a-payout"]
            await press(pilot, "1", "up", "space")
            assert "a-payout" not in screen_text(app)

    async def test_nothing_of_another_project_is_selected_at_opening(self) -> None:
        async with running(replace(self.state(is_deployed=False), resources=(self.OTHER,))) as (app, pilot):
            assert app.main.query_one(Picker).selected_item is None
            await press(pilot, "enter")
            assert app.asked == []
            assert "Nothing here yet" in screen_text(app)
            app.put(resources=(self.OTHER, *states.RESOURCES), project=states.PROJECT)
            await settle(pilot)
            assert selected(app) == "tally"

    async def test_before_the_first_deployment_the_name_of_the_project_tells(self) -> None:
        own = tuple(replace(resource, project="demo") for resource in states.RESOURCES)
        async with running(replace(self.state(is_deployed=False), resources=(self.OTHER, *own))) as (app, _):
            assert selected(app) == "tally"
            assert "a-payout" not in screen_text(app)

    async def test_the_palette_begins_with_own_ones(self) -> None:
        async with running(self.state()) as (app, _):
            named = [offer.title for offer in offers(app, app.screen) if offer.title.startswith("Run ")]
            assert named.index("Run tally") < named.index("Run a-payout")

    async def test_a_filter_finds_what_is_elsewhere(self) -> None:
        async with running(self.state()) as (app, pilot):
            await press(pilot, "/", *"payout", "enter")
            assert selected(app) == "a-payout"

    async def test_outside_a_project_there_is_no_elsewhere(self) -> None:
        async with running(replace(self.state(), project=None)) as (app, _):
            assert selected(app) == "a-payout"
            assert "Elsewhere" not in screen_text(app)


class TestExistingServer:
    """Point 28: what it cannot do is said where it matters, and what it has can be run though it is in no list."""

    STATE = replace(
        states.LISTED, daemon=DaemonState(connected=True, address="192.0.2.7:7234", abilities=Abilities(False, False))
    )

    async def test_what_it_cannot_do_is_said(self) -> None:
        missing = "This server cannot list what it has, cancel runs or show every task live"
        async with running(self.STATE, WIDE) as (app, pilot):
            assert screen_text(app).count("This server cannot list") == 2
            assert missing in screen_text(app)
            execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
            app.put(shown=ShownRun(execution, states.TALLY))
            await settle(pilot)
            assert "Waiting for the first event of this run; this server does not tell of every task" in screen_text(
                app
            )
            app.stage.unfinished_runs = [states.RUNS[0]]
            await press(pilot, "q")
            assert "this server cannot cancel runs" in screen_text(app)
            assert "Cancel it" not in screen_text(app)

    async def test_what_is_in_no_list_is_run_by_its_name(self) -> None:
        async with running(self.STATE) as (app, pilot):
            app.stage.found |= {"a-payout": TestElsewhere.OTHER, "wfx_9": TestElsewhere.OTHERS_RUN}
            for reference in ("a-payout", "wfx_9", "nothing"):
                await press(pilot, "1", "G", "enter", *reference, "enter")
                await settle(pilot)
            assert app.asked == ["find a-payout", "start a-payout", "find wfx_9", "open wfx_9", "find nothing"]
            assert "is named nothing on the server" in app.session.state.notices[-1].text
            await press(pilot, "1", "G", "enter", "escape")
            assert len(app.asked) == 5

    async def test_elsewhere_the_palette_has_it(self) -> None:
        async with running(states.LISTED) as (app, _):
            assert "Run by name or id" in [offer.title for offer in offers(app, app.screen)]
            assert "Run by name" not in screen_text(app)


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
