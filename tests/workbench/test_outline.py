"""Edits tell a reader everything that changed, whatever changes and whenever it looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.workbench.entries import NodeEntry
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKey, NodeKind, PutNode, Role, run_node
from stigmer_tui.workbench.outline import Inserted
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.workbench.outlines import Reader
from tests.workbench.trees import change, graft, put, put_message, task, tool_call

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

agent_steps = st.lists(st.sampled_from(["say", "grow", "call", "unclaimed", "finish", "human", "read"]), max_size=40)


def calls_of(execution: Execution) -> list[Node]:
    return [node for _, node in execution.nodes() if node.kind is NodeKind.TOOL_CALL]


def agent_step(execution: Execution, step: str) -> None:
    number = len(execution.messages())
    match step:
        case "say":
            put_message(execution, number, Message(Role.AGENT, f"text {number}"))
        case "human":
            put_message(execution, number, Message(Role.HUMAN, f"asks {number}"))
        case "grow" if execution.messages() and execution.messages()[-1].role is Role.AGENT:
            last = execution.messages()[-1]
            put_message(execution, number - 1, replace(last, text=last.text + " more"))
        case "call":
            put(execution, tool_call(f"c{number}", "grep", state=RunState.RUNNING))
            put_message(execution, number, Message(Role.TOOL, "", calls=(f"c{number}",)))
        case "unclaimed":
            put(execution, tool_call(f"u{len(calls_of(execution))}", "ls", state=RunState.RUNNING))
        case "finish" if calls := calls_of(execution):
            last_call = calls[-1]
            put(execution, replace(last_call, state=RunState.COMPLETED))


@given(agent_steps)
def test_every_change_of_a_conversation_is_told(steps: list[str]) -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    readers = [Reader(Transcript(execution)), Reader(TaskTree(execution))]
    for step in [*steps, "end"]:
        if step == "end":
            change(execution, state=RunState.FAILED)
        else:
            agent_step(execution, step)
        if step in ("read", "end"):
            for reader in readers:
                reader.read()


KINDS = (NodeKind.TASK, NodeKind.TOOL_CALL, NodeKind.SUB_AGENT)

workflow_steps = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.sampled_from([*RunState]), st.booleans()), max_size=40
)


@given(workflow_steps)
@settings(max_examples=50)
def test_every_change_of_a_workflow_is_told(steps: list[tuple[int, int, RunState, bool]]) -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
    put(execution, task("/each", "each", "for"), task("/each/1/a", "a", "agent", parent="/each"))
    child = graft(execution, "/each/1/a", Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING))
    readers = [Reader(Transcript(execution)), Reader(TaskTree(execution))]
    for moment, (iteration, name, state, is_read) in enumerate(steps):
        if name == 2:
            put(execution, task("/each", "each", "for", state))
        else:
            started = None if state in (RunState.PENDING, RunState.SKIPPED) else START + timedelta(seconds=moment)
            task_id = f"/each/{iteration}/{'ab'[name]}"
            before = execution.find((execution.id, task_id))
            started = (before and before.started_at) or started
            put(execution, task(task_id, "ab"[name], "set", state, "/each", started_at=started))
        put_message(execution, moment, Message(Role.AGENT, f"text {moment}"), child)
        if is_read:
            for reader in readers:
                reader.read()
    for reader in readers:
        reader.read()


nodes = st.tuples(
    st.integers(0, 3), st.sampled_from("abcdef"), st.sampled_from(KINDS), st.sampled_from("abcdefx-"), st.booleans()
)


@given(st.lists(nodes, max_size=60))
def test_nothing_vanishes_whatever_stands_below_what_and_whichever_is_reported_first(
    reports: list[tuple[int, str, NodeKind, str, bool]],
) -> None:
    """Of each run some nodes, of any kind, below any other, or below one that is never reported."""
    execution = Execution(ResourceKind.AGENT, "r0", "helper", state=RunState.RUNNING)
    readers = [Reader(Transcript(execution)), Reader(TaskTree(execution))]
    runs = [execution.root_key]
    kinds: dict[NodeKey, NodeKind] = {}
    for number, name, kind, parent, is_read in reports:
        run = runs[number % len(runs)]
        kind = kinds.setdefault((*run, name), kind)
        node = Node(name, kind, name, state=RunState.RUNNING, parent="" if parent == "-" else parent)
        execution.apply(PutNode(node, run))
        put_message(execution, len(execution.messages(run)), Message(Role.TOOL, "", calls=(name,)), run)
        if number == 3 and len(runs) < 4:
            execution.apply(PutNode(run_node(ResourceKind.AGENT, f"r{len(runs)}", "helper"), (*run, name)))
            runs.append((*run, name, f"r{len(runs)}"))
        if is_read:
            for reader in readers:
                reader.read()
    readers += [Reader(Transcript(execution)), Reader(TaskTree(execution))]
    for reader in readers:
        reader.read()
        shown = [entry.node for entry in reader.outline if isinstance(entry, NodeEntry)]
        assert sorted(map(id, shown)) == sorted(id(node) for _, node in execution.nodes() if node.kind in KINDS)


def test_a_long_execution_is_one_edit_when_it_is_opened() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper")
    for index in range(1_000):
        put_message(execution, index, Message(Role.AGENT, "text"))
    assert Transcript(execution).refresh() == [Inserted(0, 1_000)]


def test_entries_that_come_one_after_the_other_are_one_edit() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper")
    put_message(execution, 0, Message(Role.HUMAN, "Hello"))
    outline = Transcript(execution)
    outline.refresh()
    for index in range(1, 4):
        put_message(execution, index, Message(Role.AGENT, "text"))
    assert Inserted(1, 3) in outline.refresh()


def test_nothing_is_told_when_nothing_changed() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper")
    put_message(execution, 0, Message(Role.HUMAN, "Hello"))
    outline = Transcript(execution)
    outline.refresh()
    assert outline.refresh() == []
