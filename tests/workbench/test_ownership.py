"""What belongs to the project, and what is deployed from elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stigmer_tui.workbench.abilities import ALL, Abilities
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind, Run, RunState
from stigmer_tui.workbench.ownership import own_first, own_resources, own_runs
from stigmer_tui.workbench.state import ProjectState, ShownRun, WorkbenchState

THEIRS = Resource(ResourceKind.WORKFLOW, "wf_1", "theirs", "theirs", project="other")
OURS = Resource(ResourceKind.WORKFLOW, "wf_2", "ours", "ours", project="demo")
NAMESAKE = Resource(ResourceKind.AGENT, "agt_3", "ours", "ours", project="other")


def run_of(resource: Resource, number: int) -> Run:
    return Run(resource.kind, f"x_{number}", resource.id, resource.slug, RunState.COMPLETED)


STATE = WorkbenchState(
    project=ProjectState("demo", "/home/ada/demo"),
    resources=(THEIRS, OURS, NAMESAKE),
    runs=(run_of(THEIRS, 1), run_of(OURS, 2), run_of(NAMESAKE, 3), run_of(THEIRS, 4)),
)


def ids(runs: tuple[Run, ...]) -> list[str]:
    return [run.id for run in runs]


def test_outside_a_project_everything_is_ones_own() -> None:
    state = replace(STATE, project=None)
    assert own_resources(state) == own_first(state) == state.resources
    assert own_runs(state) == state.runs


def test_before_the_code_has_run_it_is_what_a_project_of_this_name_has_deployed() -> None:
    assert own_resources(STATE) == (OURS,)
    assert own_first(STATE) == (OURS, THEIRS, NAMESAKE)
    assert ids(own_runs(STATE)) == ["x_2"]


def test_then_it_is_what_the_code_defines() -> None:
    defines = frozenset({ResourceKey(ResourceKind.AGENT, "ours"), ResourceKey(ResourceKind.WORKFLOW, "new")})
    state = replace(STATE, project=ProjectState("demo", "/home/ada/demo", defines=defines))
    assert own_resources(state) == (NAMESAKE,)
    assert own_first(state) == (NAMESAKE, THEIRS, OURS)
    assert ids(own_runs(state)) == ["x_3"]


def test_the_shown_run_is_among_ones_own_whatever_it_is_of() -> None:
    shown = ShownRun(Execution(ResourceKind.WORKFLOW, "x_4", "theirs"), THEIRS)
    assert ids(own_runs(replace(STATE, shown=shown))) == ["x_2", "x_4"]


@pytest.mark.parametrize(
    ("abilities", "missing"),
    [
        (ALL, ""),
        (Abilities(can_list=False), "This server cannot list what it has"),
        (Abilities(can_control=False), "This server cannot cancel runs or show every task live"),
        (
            Abilities(can_list=False, can_control=False),
            "This server cannot list what it has, cancel runs or show every task live",
        ),
    ],
)
def test_what_a_server_lacks_is_one_sentence(abilities: Abilities, missing: str) -> None:
    assert abilities.missing == missing
