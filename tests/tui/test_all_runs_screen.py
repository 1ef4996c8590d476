"""`A`: everything at the same time, in a grid, or in a list where the window is narrow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.run_grid import grid_header, grid_rows
from stigmer_tui.tui.screens.all_runs import MAX_UNASKED, AllRunsScreen
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.nodes import Node, NodeKind, PutNode
from stigmer_tui.workbench.run_progress import RunProgress
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.host import FixedClock
from tests.tui.stage import StagedApp
from tests.tui.workbench import screen_text

NOW = FixedClock().now()


def resource(name: str) -> Resource:
    return Resource(ResourceKind.WORKFLOW, f"wf_{name}", name, name)


def progress(name: str, state: RunState, *tasks: str, error: str = "") -> RunProgress:
    run = RunProgress(resource(name), Execution(ResourceKind.WORKFLOW, f"wfx_{name}", name, state=state, error=error))
    assert run.execution is not None
    for task in tasks:
        run.execution.apply(PutNode(Node(f"/{task}", NodeKind.TASK, task, "set", RunState.RUNNING), ()))
    run.update()
    return run


RUNS = (
    progress("tally", RunState.RUNNING, "one", "two", "three", "four"),
    progress("broken", RunState.FAILED, "fetch", error="timeout: GET http://shop.example/items after 30 s of waiting"),
    progress("greet", RunState.COMPLETED, "result"),
)


def test_two_cells_fit_side_by_side_with_their_last_three_lines() -> None:
    rows = [row.text.rstrip() for row in grid_rows(RUNS, 0, 100, UNICODE, NOW)]
    assert rows == [
        "▌▸ tally                                 running   ✗ broken                                 failed",
        "▌two                                               timeout: GET http://shop.example/items after 30",
        "▌three                                             s of waiting",
        "▌four",
        "",
        " ✓ greet                               completed",
        " result",
        "",
        "",
        "",
    ]


def test_in_a_narrow_window_it_is_a_list() -> None:
    rows = [row.text.rstrip() for row in grid_rows(RUNS, 1, 60, UNICODE, NOW)]
    assert rows == [
        " ▸ tally  four                                      running",
        "▌✗ broken  timeout: GET http://shop.example/items a… failed",
        " ✓ greet  result                                  completed",
    ]


def test_the_header_counts() -> None:
    header = grid_header(RUNS, True, 100, UNICODE).text
    assert header.startswith(" All 3 at the same time")
    assert header.rstrip().endswith("▸ 1 running · ✓ 1 completed · ✗ 1 failed")


@pytest.mark.parametrize(("count", "is_begun"), [(MAX_UNASKED, True), (MAX_UNASKED + 1, False)])
async def test_many_are_started_only_when_a_person_says_so(count: int, is_begun: bool) -> None:
    resources = tuple(resource(f"flow-{number}") for number in range(count))
    app = StagedApp(replace(states.LISTED, resources=resources, project=None))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(pilot)
        await press(pilot, "A")
        assert isinstance(app.screen, AllRunsScreen)
        group = app.stage.all_runs.group()
        assert group.is_begun is is_begun
        assert ("enter runs them" in screen_text(app)) is not is_begun
        await press(pilot, "enter")
        assert group.is_begun
        await press(pilot, "escape")
        assert not isinstance(app.screen, AllRunsScreen)
