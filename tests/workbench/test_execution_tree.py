"""What an execution remembers of its nodes and of their changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stigmer_tui.workbench import execution_tree
from stigmer_tui.workbench.execution_tree import ChangeLog, Execution, Part, run_of
from stigmer_tui.workbench.model import ResourceKind, Run, RunState
from stigmer_tui.workbench.nodes import GrowMessage, Message, NodeKind, PutNode, Role, run_node
from tests.workbench.trees import change, node, put, put_message, task, tool_call

RUN = ("agx_1",)


def execution() -> Execution:
    return Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)


def message_part(index: int) -> Part:
    return Part(RUN, index)


def test_a_part_is_named_once_in_the_order_of_the_last_changes() -> None:
    log = ChangeLog()
    for revision, index in enumerate((0, 1, 0), 1):
        log.note(message_part(index), revision)
    assert log.since(0) == [message_part(1), message_part(0)]
    assert log.since(2) == [message_part(0)]
    assert log.since(3) == []


def test_a_reader_that_is_too_far_behind_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution_tree, "MAX_CHANGES", 2)
    log = ChangeLog()
    for index in range(3):
        log.note(message_part(index), index + 1)
    assert log.since(0) is None
    assert log.since(1) == [message_part(1), message_part(2)]


def test_every_change_raises_the_revision_and_marks_the_part() -> None:
    run = execution()
    start = run.revision
    put_message(run, 0, Message(Role.HUMAN, "hello"))
    put(run, tool_call("c1", "grep"))
    put_message(run, 0, Message(Role.HUMAN, "hello there"))
    assert run.revision == start + 3
    assert run.messages()[0].revision == start + 3
    assert node(run, "c1").revision == start + 2


def test_an_equal_part_is_no_change() -> None:
    run = execution()
    start = run.revision
    for _ in range(2):
        put_message(run, 0, Message(Role.HUMAN, "hello"))
        put(run, tool_call("c1", "grep", {"pattern": "x"}), task("/greet", "greet", "set"))
    assert run.revision == start + 3


def test_a_new_reader_sees_all_parts_and_one_that_fell_behind_only_those_that_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(execution_tree, "MAX_CHANGES", 1)
    run = execution()
    start = run.revision
    for index in range(3):
        put_message(run, index, Message(Role.AGENT, str(index)))
    assert run.changed_since(-1) == [Part(RUN), *map(message_part, range(3))]
    assert run.changed_since(start + 1) == [*map(message_part, (1, 2))]


def test_a_text_grows_after_the_characters_that_stay_and_keeps_the_rest_of_its_message() -> None:
    run = execution()
    put_message(run, 0, Message(Role.AGENT, "hullo", model="other"))
    run.apply(GrowMessage(0, 1, "ello", RUN))
    assert run.messages() == [Message(Role.AGENT, "hello", model="other")]
    run.apply(GrowMessage(7, 0, "of a message that is not known", RUN))
    assert len(run.messages()) == 1


def test_nodes_of_any_kind_stand_below_each_other_in_any_number_of_runs() -> None:
    tree = Execution(ResourceKind.WORKFLOW, "wfx_1", "outer")
    around = tree.root_key
    for level in range(20):
        put(tree, task("/ask", "ask", "agent", child=f"agx_{level}"), scope=around)
        run = (*around, "/ask", f"agx_{level}")
        tree.apply(PutNode(run_node(ResourceKind.AGENT, run[-1], "helper"), run[:-1]))
        put(tree, tool_call("c1", "delegate"), task("/inner", "inner", "set", parent="c1"), scope=run)
        put_message(tree, 0, Message(Role.AGENT, f"level {level}"), run)
        assert tree.parent_key((*run, "/inner")) == (*run, "c1")
        assert tree.run_below(run[:-1]) == tree.node(run)
        around = run
    kinds = [tree.node(key).kind for key in tree.ancestors((*around, "/inner"))]
    assert kinds == [NodeKind.TOOL_CALL, *[NodeKind.RUN, NodeKind.TASK] * 20, NodeKind.RUN]


def test_a_parent_that_is_reported_later_is_the_parent_from_then_on() -> None:
    tree = execution()
    put(tree, tool_call("c2", "grep", parent="c1"))
    assert tree.parent_key((*RUN, "c2")) == RUN
    put(tree, tool_call("c1", "delegate"))
    assert tree.parent_key((*RUN, "c2")) == (*RUN, "c1")
    assert tree.place((*RUN, "c1")) < tree.place((*RUN, "c2"))


def test_nodes_that_are_said_to_be_around_each_other_are_not() -> None:
    tree = execution()
    for _ in range(2):
        put(tree, tool_call("a", "a", parent="b"), tool_call("b", "b", parent="c"), tool_call("c", "c", parent="a"))
        assert [tree.parent_key((*RUN, name)) for name in "abc"] == [(*RUN, "b"), (*RUN, "c"), RUN]


def test_what_is_in_no_run_of_the_tree_is_refused() -> None:
    with pytest.raises(KeyError):
        put(execution(), tool_call("c1", "grep"), scope=("agx_2",))


def test_nodes_are_counted_by_state_without_those_of_other_runs() -> None:
    tree = execution()
    put(tree, tool_call("c1", "delegate", child="agx_2"), tool_call("c2", "grep"))
    put(tree, tool_call("c2", "grep", state=RunState.COMPLETED))
    tree.apply(PutNode(run_node(ResourceKind.AGENT, "agx_2", "helper"), (*RUN, "c1")))
    put(tree, tool_call("c1", "grep"), scope=(*RUN, "c1", "agx_2"))
    assert tree.count(NodeKind.TOOL_CALL) == {RunState.PENDING: 1, RunState.COMPLETED: 1}


def test_a_run_of_the_list_says_what_its_execution_does() -> None:
    created, started, completed = (datetime(2026, 11, 28, 12, minute, tzinfo=UTC) for minute in range(3))
    execution = Execution(
        ResourceKind.AGENT, "agx_1", "helper", "go on", RunState.FAILED, error="No model", started_at=started
    )
    change(execution, created_at=created, completed_at=completed)
    assert run_of(execution, "agt_1") == Run(
        ResourceKind.AGENT,
        "agx_1",
        "agt_1",
        "helper",
        RunState.FAILED,
        "go on",
        created,
        started,
        completed,
        "No model",
    )


def test_the_cause_of_a_failure_is_the_innermost_task_whose_error_it_is() -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.FAILED)
    put(execution, task("/other", "other", state=RunState.FAILED, error="tolerated"))
    assert execution.cause() is None
    put(execution, task("/each", "each", state=RunState.FAILED, error="charge: no money"))
    put(execution, task("/each/0/charge", "charge", state=RunState.FAILED, parent="/each", error="no money"))
    change(execution, error="each: charge: no money")
    cause = execution.cause()
    assert cause is not None
    assert cause.name == "charge"
    put(execution, task("/each/0/charge", "charge", state=RunState.COMPLETED, parent="/each"))
    cause = execution.cause()
    assert cause is not None
    assert cause.name == "each"
