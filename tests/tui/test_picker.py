"""The picker: what is chosen in it, what a filter finds, what is elsewhere or at another server."""

from __future__ import annotations

from dataclasses import replace

from stigmer_tui.tui.palette import offers
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.picker import Picker
from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.state import ShownRun, WorkbenchState
from tests.tui import states
from tests.tui.hands import click, press, press_at_once, scroll, settle
from tests.tui.workbench import WIDE, keys_shown, running, screen_text, selected


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
