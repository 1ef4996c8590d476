"""What the pane says of a resource before a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stigmer_tui.definition.description import Fact, TaskLine
from stigmer_tui.tui.render.blocks import Format
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.preview import preview_rows
from stigmer_tui.tui.widgets.themed_widget import RowPanel
from stigmer_tui.workbench.events import ResourcePreviewed
from stigmer_tui.workbench.model import ResourceKind, Run, RunState
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.run_defaults import RunDefaults
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.suggestions import suggest
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.rows import text
from tests.tui.samples import START
from tests.tui.stage import StagedApp

SETTLE = Preview(
    states.SETTLE,
    (Fact("Version", "0.1.0"),),
    tasks=(
        TaskLine(0, "any-orders", "switch", ("quiet-day", "pack")),
        TaskLine(0, "pack", "for", ()),
        TaskLine(1, "weigh", "wait", ()),
    ),
    variables=tuple(suggest(states.SETTLE, RunInput("", {"DRY_RUN": Value("1")}), RunDefaults())),
)
HELPER = Preview(states.HELPER, (), instructions="Answer *in one sentence*.\n\n- Be kind")


def lines(preview: Preview, runs: tuple[Run, ...] = (), height: int = 40, source: str = "") -> list[str]:
    rows = preview_rows(preview, runs, source, Format(60, UNICODE), height)
    return [line.rstrip() for line in text(rows).splitlines()]


def run(state: RunState, seconds: float) -> Run:
    completed = START + timedelta(seconds=seconds)
    return Run(ResourceKind.AGENT, "agx_1", "agt_1", "helper", state, started_at=START, completed_at=completed)


def test_a_workflow_shows_its_tasks_with_their_jumps_and_what_its_variables_would_be() -> None:
    assert lines(SETTLE) == [
        "settle-orders" + "workflow".rjust(47),
        "Charges every order that is open",
        "",
        "Version  0.1.0",
        "",
        "Variables",
        "  API_TOKEN  secret, not set  For the payment service",
        "  REGION     default eu-west-1  Where the orders come from",
        "  DRY_RUN    from last run  Charge nobody",
        "",
        "Tasks",
        "  any-orders  switch  → quiet-day, pack",
        "  pack        for",
        "    weigh     wait",
    ]


def test_an_agent_shows_how_it_did_lately_and_its_instructions() -> None:
    states_of_runs = [RunState.FAILED, *[RunState.COMPLETED] * 6]
    runs = tuple(run(state, seconds) for seconds, state in enumerate(states_of_runs, 1))
    assert lines(HELPER, runs)[3:] == [
        "Last runs  ✓✓✓✓✗  median 3.0 s",
        "",
        "Instructions",
        "  Answer in one sentence.",
        "",
        "  • Be kind",
    ]


def test_where_it_is_defined_is_told_where_that_is_known() -> None:
    assert "Defined in  main.py:12" in lines(HELPER, source="main.py:12")


def test_what_has_no_room_is_counted_and_can_be_read_elsewhere() -> None:
    long = replace(HELPER, instructions="\n\n".join(f"Line {number}" for number in range(50)))
    shown = lines(long, height=8)
    assert len(shown) == 8
    assert shown[-1] == "… 96 more lines: stigmer-tui describe agent helper"


async def test_what_is_selected_is_previewed_and_what_is_shown_running_is_not() -> None:
    app = StagedApp(states.LISTED)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        assert app.stage.looked_at == states.TALLY
        await press(pilot, "j")
        assert app.stage.looked_at == states.SETTLE
        app.stage.store.emit(ResourcePreviewed(SETTLE))
        app.main.show(app.stage.state)
        await settle(pilot)
        assert "quiet-day" in text(app.main.query_one("#preview", RowPanel).rows)
        await press(pilot, "G")
        assert app.stage.looked_at is None


async def test_a_preview_gives_way_to_the_run_as_soon_as_the_pane_has_the_focus() -> None:
    app = StagedApp(replace(states.failed_agent(), preview=SETTLE))
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        heights = []
        for key in "121":
            await press(pilot, key)
            heights.append([app.main.query_one(name).size.height > 0 for name in ("#preview", "#entries")])
        assert heights == [[True, False], [False, True], [True, False]]
        await press(pilot, "2")
        assert "failed" in text(app.main.query_one("#title", RowPanel).rows)


async def test_a_frame_that_changes_nothing_of_a_preview_does_not_make_it_anew() -> None:
    state = replace(states.failed_agent(), preview=SETTLE)
    app = StagedApp(state)
    async with app.run_test(size=(140, 40)) as pilot:
        await settle(pilot)
        panel = app.main.query_one("#preview", RowPanel)
        before = panel.rows
        app.main.show(replace(state, notices=()))
        assert panel.rows is before
        app.main.show(replace(state, preview=HELPER))
        assert panel.rows is not before
