"""Which runs stand side by side, and what they are compared by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from stigmer_tui.workbench.changed_files import CHANGES
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.nodes import Node, NodeKind, PutNode
from stigmer_tui.workbench.side_by_side import ComparedRun, runs_side_by_side
from stigmer_tui.workbench.state import ShownRun, WorkbenchState
from stigmer_tui.workbench.usage import ModelCall
from tests.workbench.stage import NOON

TASK = Resource(ResourceKind.TASK, "task:tidy", "tidy", "tidy")


def run(id_: str, agent: str, task: str = "tidy") -> Run:
    return Run(ResourceKind.TASK, id_, f"task:{task}", task, RunState.COMPLETED, agent)


def showing(kind: ResourceKind, *runs: Run) -> WorkbenchState:
    shown = ShownRun(Execution(kind, "agx_1", "tidy", "claude"), TASK)
    return replace(WorkbenchState(), shown=shown, runs=runs)


def test_the_newest_run_of_each_agent_in_the_order_of_their_starts() -> None:
    runs = (run("4", "codex"), run("3", "claude"), run("2", "qwen", "other"), run("1", "claude"))
    assert [each.id for each in runs_side_by_side(showing(ResourceKind.TASK, *runs))] == ["3", "4"]


def test_one_alone_and_what_is_no_task_stand_beside_nothing() -> None:
    assert runs_side_by_side(showing(ResourceKind.TASK, run("2", "claude"), run("1", "claude"))) == ()
    assert runs_side_by_side(showing(ResourceKind.AGENT, run("2", "claude"), run("1", "codex"))) == ()
    assert runs_side_by_side(WorkbenchState()) == ()


def test_time_tokens_cost_and_what_was_committed() -> None:
    execution = Execution(ResourceKind.TASK, "agx_1", "tidy", "claude", RunState.RUNNING, started_at=NOON)
    compared = ComparedRun(run("agx_1", "claude"), execution)
    assert compared.facts(NOON + timedelta(seconds=2)) == ("2.0 s",)
    usage = execution.usage.with_calls([ModelCall("1", "claude", input_tokens=90, output_tokens=10, cost=0.25)])
    ended = NOON + timedelta(seconds=3)
    root = replace(execution.root, state=RunState.COMPLETED, completed_at=ended, usage=usage)
    execution.apply(PutNode(root, ()))
    assert compared.facts(ended) == ("3.0 s", "100 tokens", "$0.2500", "nothing committed")
    told = {"commits": ["a", "b"], "files": 1, "insertions": 10, "deletions": 2}
    execution.apply(PutNode(Node(CHANGES, NodeKind.TOOL_CALL, CHANGES, input=told), execution.root_key))
    assert compared.facts(ended)[-1] == "2 commits, 1 file +10 −2"
