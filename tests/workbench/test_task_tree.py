"""What the tree of tasks shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from stigmer_tui.workbench.entries import GroupEntry, NodeEntry
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Node
from stigmer_tui.workbench.task_tree import TaskTree
from tests.workbench.outlines import shown
from tests.workbench.trees import put, task, tool_call

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)
EACH = task("/each", "each", "for", RunState.RUNNING, started_at=START)


def workflow(*tasks: Node) -> Execution:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
    put(execution, *tasks)
    return execution


def charge(iteration: int | str, state: RunState, name: str = "charge") -> Node:
    return task(f"/each/{iteration}/{name}", name, "http", state, "/each", started_at=START)


def test_pending_tasks_are_there_from_the_start() -> None:
    execution = workflow(task("/a", "a", "set", RunState.COMPLETED), task("/b", "b", "set"))
    assert shown(TaskTree(execution)) == ["a completed", "b pending"]


def test_iterations_are_grouped_below_their_task_and_before_the_next() -> None:
    execution = workflow(EACH, task("/end", "end", "set"))
    outline = TaskTree(execution)
    outline.refresh()
    put(execution, charge(0, RunState.COMPLETED))
    put(execution, charge(1, RunState.RUNNING))
    assert shown(outline) == [
        "each running",
        "  [0] completed",
        "    charge completed",
        "  [1] running",
        "    charge running",
        "end pending",
    ]


def test_iterations_stand_by_number_whichever_is_reported_first() -> None:
    execution = workflow(EACH, *(charge(number, RunState.RUNNING) for number in (10, 2)))
    assert [line for line in shown(TaskTree(execution)) if "[" in line] == ["  [2] running", "  [10] running"]


def test_the_newest_iteration_is_complete_when_its_task_says_that_no_more_comes() -> None:
    execution = workflow(EACH, charge(0, RunState.COMPLETED))
    outline = TaskTree(execution)
    assert "  [0] running" in shown(outline)
    put(execution, replace(EACH, state=RunState.COMPLETED))
    assert "  [0] completed" in shown(outline)


def test_a_failure_shows_in_its_iteration() -> None:
    execution = workflow(
        EACH, charge(0, RunState.COMPLETED), charge(0, RunState.FAILED, "refund"), charge(1, RunState.RUNNING)
    )
    assert "  [0] failed" in shown(TaskTree(execution))


def test_branches_of_other_tasks_are_grouped_by_their_names() -> None:
    execution = workflow(
        task("/tell", "tell", "fork", RunState.RUNNING),
        task("/tell/mail/mailed", "mailed", "http", RunState.RUNNING, "/tell"),
        task("/tell/call/called", "called", "http", RunState.RUNNING, "/tell"),
    )
    assert shown(TaskTree(execution)) == [
        "tell running",
        "  [mail] running",
        "    mailed running",
        "  [call] running",
        "    called running",
    ]


def test_a_group_lasts_from_its_first_start_to_its_last_end() -> None:
    later = START.replace(second=9)
    first = replace(charge(0, RunState.COMPLETED), completed_at=START)
    second = replace(charge(0, RunState.COMPLETED, "ship"), started_at=later, completed_at=later)
    outline = TaskTree(workflow(replace(EACH, state=RunState.COMPLETED), first, second))
    outline.refresh()
    (group,) = (entry for entry in outline if isinstance(entry, GroupEntry))
    assert (group.started_at, group.completed_at) == (START, later)


def test_ids_that_are_no_paths_stand_below_their_parent() -> None:
    execution = workflow(task("t1", "outer", ""), task("t2", "inner", "", parent="t1"), task("t3", "last", ""))
    assert shown(TaskTree(execution)) == ["outer pending", "  inner pending", "last pending"]


def test_names_of_branches_that_only_look_like_numbers_do_no_harm() -> None:
    execution = workflow(EACH, *(charge(name, RunState.RUNNING) for name in ("²", "99999999999999", "0")))
    assert len([line for line in shown(TaskTree(execution)) if "[" in line]) == 3


def test_of_an_agent_it_is_the_list_of_its_calls() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    outline = TaskTree(execution)
    for number, state in enumerate((RunState.COMPLETED, RunState.RUNNING)):
        put(execution, tool_call(f"c{number}", "grep", state=state))
    assert shown(outline) == ["grep completed", "grep running"]


def test_a_group_is_as_new_as_the_newest_of_its_tasks() -> None:
    execution = workflow(EACH, charge(0, RunState.COMPLETED), charge(0, RunState.RUNNING, "ship"))
    outline = TaskTree(execution)
    shown(outline)
    (before,) = (entry for entry in outline if isinstance(entry, GroupEntry))
    put(execution, charge(0, RunState.COMPLETED, "ship"))
    shown(outline)
    (after,) = (entry for entry in outline if isinstance(entry, GroupEntry))
    members = [entry.revision for entry in outline if isinstance(entry, NodeEntry) and entry.node.parent == "/each"]
    assert after.revision == max(members) > before.revision


def test_an_error_that_stands_below_is_marked_above() -> None:
    """It is told once, at the task that failed."""
    failed = replace(charge(0, RunState.FAILED), error="no money")
    execution = workflow(replace(EACH, state=RunState.FAILED, error="charge failed: no money"), failed)
    outline = TaskTree(execution)
    outline.refresh()
    entries = {entry.node.name: entry for entry in outline if isinstance(entry, NodeEntry)}
    assert entries["each"].is_told_below
    assert not entries["charge"].is_told_below
