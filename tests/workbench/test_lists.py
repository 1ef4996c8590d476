"""What is known of a server that cannot list."""

from __future__ import annotations

from dataclasses import replace

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.lists import MAX_RUNS, Lists
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.state import WorkbenchState
from stigmer_tui.workbench.state_store import StateStore
from tests.workbench.stage import OTHER, TALLY, StoppedClock

HELPER = Resource(ResourceKind.AGENT, "agt_1", "helper", "a helper")


def run(number: int) -> Run:
    return Run(TALLY.kind, f"wfx_{number}", TALLY.id, TALLY.slug, RunState.RUNNING)


def lists(*runs: Run, resources: tuple[Resource, ...] = ()) -> tuple[Lists, StateStore]:
    store = StateStore(WorkbenchState(resources=resources, runs=runs), StoppedClock())
    return Lists(store), store


def test_workflows_stand_before_agents_each_by_name_and_once() -> None:
    known, store = lists(run(1), resources=(TALLY, HELPER))
    newer = replace(TALLY, description="counts")
    known.add_resources([newer, OTHER])
    assert store.state.resources == (OTHER, newer, HELPER)
    assert (store.state.runs, store.state.listed) == ((run(1),), True)


def test_the_newest_run_is_the_first_and_the_oldest_are_forgotten() -> None:
    known, store = lists(*map(run, range(MAX_RUNS)), resources=(TALLY,))
    known.add_run(run(MAX_RUNS))
    assert [each.id for each in store.state.runs] == [f"wfx_{number}" for number in (MAX_RUNS, *range(MAX_RUNS - 1))]
    known.add_run(run(3))
    assert [each.id for each in store.state.runs][:2] == ["wfx_3", f"wfx_{MAX_RUNS}"]
    assert len(store.state.runs) == MAX_RUNS
    assert store.state.resources == (TALLY,)


def test_only_the_run_whose_state_is_another_changes() -> None:
    known, store = lists(run(1), run(2), resources=(TALLY,))
    before = store.state
    known.note_state(Execution(TALLY.kind, "wfx_2", TALLY.slug, state=RunState.RUNNING))
    known.note_state(Execution(TALLY.kind, "wfx_3", TALLY.slug, state=RunState.FAILED))
    assert store.state is before
    known.note_state(Execution(TALLY.kind, "wfx_2", TALLY.slug, state=RunState.FAILED))
    assert store.state.runs == (run(1), replace(run(2), state=RunState.FAILED))
    assert store.state.resources == (TALLY,)
