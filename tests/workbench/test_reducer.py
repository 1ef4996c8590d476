"""From state to state: what each event changes, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.abilities import Abilities
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.events import (
    CodePrinted,
    DaemonReported,
    Deployed,
    DeploymentFailed,
    DeploymentInterrupted,
    Event,
    FilesSaved,
    FilesWatched,
    KeysHandedOver,
    LatencyMeasured,
    ListsChanged,
    ManifestsLoaded,
    Noticed,
    ProjectDetected,
    ProjectLoaded,
    RunOpened,
    RunStarted,
    ServerConnected,
    ServerLost,
    ServerSearched,
    WatchSwitched,
)
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Run, RunState
from stigmer_tui.workbench.reducer import MAX_NOTICES, reduce
from stigmer_tui.workbench.state import (
    ApplySummary,
    Deployment,
    DeploymentItem,
    Level,
    Notice,
    ProjectProblem,
    ProjectState,
    ShownRun,
    Stage,
    WorkbenchState,
)
from tests.workbench.stage import NOON, OTHER, TALLY

PROJECT = ProjectState("demo", "/home/ada/demo", watching=True)
STATE = WorkbenchState(DaemonState(connected=True, address="127.0.0.1:1", version="0.1.0"), PROJECT)
SHOWN = ShownRun(Execution(TALLY.kind, "wfx_1", "tally"), TALLY)
PROBLEM = ProjectProblem("main.py:4", "NameError")
APPLIED = ApplySummary(NOON, updated=("tally",))
ITEMS = (DeploymentItem(TALLY.kind, "tally", "tally", "updated", TALLY),)


@pytest.mark.parametrize(
    ("event", "daemon"),
    [
        (ServerSearched(), DaemonState()),
        (ServerLost("It is gone", ("killed",)), DaemonState(problem="It is gone", log_lines=("killed",))),
        (DaemonReported(DaemonState(connected=True, model="gpt")), DaemonState(connected=True, model="gpt")),
        (
            ServerConnected("127.0.0.1:2", Abilities(can_list=False)),
            DaemonState(True, "127.0.0.1:2", "0.1.0", abilities=Abilities(can_list=False)),
        ),
    ],
)
def test_the_server(event: Event, daemon: DaemonState) -> None:
    assert reduce(STATE, event) == replace(STATE, daemon=daemon)


def test_a_connection_ends_a_problem() -> None:
    lost = reduce(STATE, ServerLost("It is gone"))
    assert reduce(lost, ServerConnected("127.0.0.1:1", Abilities())).daemon.problem == ""


def test_the_lists_are_the_servers_from_now_on() -> None:
    run = Run(TALLY.kind, "wfx_1", TALLY.id, "tally", RunState.RUNNING)
    assert reduce(STATE, ListsChanged((TALLY, OTHER), (run,))) == replace(
        STATE, resources=(TALLY, OTHER), runs=(run,), listed=True
    )


@pytest.mark.parametrize(
    ("event", "project"),
    [
        (ProjectDetected(), PROJECT),
        (ProjectLoaded("shop"), replace(PROJECT, name="shop", stage=Stage.SYNTHESIS)),
        (CodePrinted("hello", is_error=False), PROJECT),
        (ManifestsLoaded(2), replace(PROJECT, stage=Stage.APPLY)),
        (DeploymentFailed(StigmerError("x"), PROBLEM), replace(PROJECT, problem=PROBLEM)),
        (WatchSwitched(is_on=False), replace(PROJECT, watching=False)),
        (FilesWatched(7), replace(PROJECT, watched_files=7)),
        (FilesSaved("main.py changed", NOON), replace(PROJECT, last_change="main.py changed", last_change_at=NOON)),
        (LatencyMeasured(0.2), replace(PROJECT, latency=0.2)),
    ],
)
def test_the_project(event: Event, project: ProjectState) -> None:
    assert reduce(STATE, event) == replace(STATE, project=project)
    outside = replace(STATE, project=None)
    assert reduce(outside, event) is outside


@pytest.mark.parametrize(
    "event",
    [
        Deployed(Deployment(APPLIED, ITEMS, frozenset())),
        DeploymentFailed(StigmerError("x"), PROBLEM),
        DeploymentInterrupted(),
    ],
)
def test_a_deployment_ends_in_one_of_three_ways(event: Event) -> None:
    working = reduce(STATE, ManifestsLoaded(1))
    project = reduce(working, event).project
    assert project is not None
    assert project.stage is Stage.IDLE


def test_a_deployment_ends_the_problem_of_the_one_before() -> None:
    failed = reduce(STATE, DeploymentFailed(StigmerError("x"), PROBLEM))
    project = reduce(failed, Deployed(Deployment(APPLIED, ITEMS, frozenset(), ("careful",)))).project
    assert project == replace(PROJECT, applied=APPLIED, defines=frozenset([TALLY.key]), warnings=frozenset(["careful"]))


@pytest.mark.parametrize(
    ("saved", "rerun", "notices"),
    [
        ("", "", []),
        ("main.py", "", ["Saved main.py · 1 updated"]),
        ("main.py", "tally", ["Saved main.py · 1 updated · running tally again"]),
    ],
)
def test_what_a_save_has_led_to_is_noticed(saved: str, rerun: str, notices: list[str]) -> None:
    state = reduce(STATE, Deployed(Deployment(APPLIED, ITEMS, frozenset()), saved, rerun))
    assert [(notice.text, notice.at) for notice in state.notices] == [(text, NOON) for text in notices]


def test_a_warning_that_still_holds_is_known() -> None:
    known = replace(STATE, project=replace(PROJECT, warnings=frozenset(["one", "gone"])))
    state = reduce(known, Deployed(Deployment(APPLIED, ITEMS, frozenset(), ("one", "two")), "main.py"))
    assert state.notices == (
        Notice("one", Level.WARNING, 1, NOON, is_known=True),
        Notice("two", Level.WARNING, 2, NOON),
        Notice("Saved main.py · 1 updated", Level.INFORMATION, 3, NOON),
    )


@pytest.mark.parametrize("event", [RunStarted(SHOWN), RunOpened(SHOWN)])
def test_a_run_is_shown(event: Event) -> None:
    assert reduce(STATE, event) == replace(STATE, shown=SHOWN)


def test_keys_that_were_handed_over_are_named() -> None:
    (notice,) = reduce(STATE, KeysHandedOver(("A_KEY", "B_KEY"), NOON)).notices
    assert notice.text.startswith("Handed A_KEY and B_KEY to the daemon")


def test_notices_are_numbered_and_the_oldest_forgotten() -> None:
    state = STATE
    for number in range(MAX_NOTICES + 2):
        state = reduce(state, Noticed(str(number), Level.ERROR, NOON))
    assert len(state.notices) == MAX_NOTICES
    assert state.notices[0] == Notice("2", Level.ERROR, 3, NOON)
    assert state.notices[-1].number == MAX_NOTICES + 2
