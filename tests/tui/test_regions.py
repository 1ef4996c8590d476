"""Where the keys go: regions, dialogs, and the keys that are shown."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.command import CommandList

from stigmer_tui.tui.palette import offers
from stigmer_tui.tui.screens.dialogs import QuitDialog
from stigmer_tui.tui.screens.help import HelpScreen
from stigmer_tui.tui.screens.main import MainScreen
from stigmer_tui.tui.sizes import PICKER_WIDTH, SIDEBAR_WIDTH
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.tui.widgets.run_pane import RunPane
from stigmer_tui.tui.widgets.sidebar import Sidebar
from stigmer_tui.workbench.state import WorkbenchState
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp
from tests.tui.workbench import MEDIUM, NARROW, WIDE, running, screen_text


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
