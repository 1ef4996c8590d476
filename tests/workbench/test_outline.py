"""Edits tell a reader everything that changed, whatever changes and whenever it looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_tui.workbench.model import Execution, Message, ResourceKind, Role, RunState, Task, ToolCall
from stigmer_tui.workbench.outline import Inserted
from stigmer_tui.workbench.task_tree import task_tree
from stigmer_tui.workbench.transcript import transcript
from tests.workbench.outlines import Reader

START = datetime(2026, 11, 21, 10, 0, 0, tzinfo=UTC)

agent_steps = st.lists(st.sampled_from(["say", "grow", "call", "unclaimed", "finish", "human", "read"]), max_size=40)


def agent_step(execution: Execution, step: str) -> None:
    number = len(execution.messages)
    match step:
        case "say":
            execution.put_message(number, Message(Role.AGENT, f"text {number}"))
        case "human":
            execution.put_message(number, Message(Role.HUMAN, f"asks {number}"))
        case "grow" if execution.messages and execution.messages[-1].role is Role.AGENT:
            last = execution.messages[-1]
            execution.put_message(number - 1, replace(last, text=last.text + " more"))
        case "call":
            execution.put_call(ToolCall(f"c{number}", "grep", state=RunState.RUNNING))
            execution.put_message(number, Message(Role.TOOL, "", calls=(f"c{number}",)))
        case "unclaimed":
            execution.put_call(ToolCall(f"u{len(execution.calls)}", "ls", state=RunState.RUNNING))
        case "finish" if execution.calls:
            last_call = list(execution.calls.values())[-1]
            execution.put_call(replace(last_call, state=RunState.COMPLETED))


@given(agent_steps)
def test_every_change_of_a_conversation_is_told(steps: list[str]) -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    readers = [Reader(transcript(execution)), Reader(task_tree(execution))]
    for step in [*steps, "end"]:
        if step == "end":
            execution.state = RunState.FAILED
            execution.touch()
        else:
            agent_step(execution, step)
        if step in ("read", "end"):
            for reader in readers:
                reader.read()


workflow_steps = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 2), st.sampled_from([*RunState]), st.booleans()), max_size=40
)


@given(workflow_steps)
@settings(max_examples=50)
def test_every_change_of_a_workflow_is_told(steps: list[tuple[int, int, RunState, bool]]) -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING)
    child = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)
    execution.put_task(Task("/each", "each", "for"))
    execution.put_child("/each/1/a", child)
    readers = [Reader(transcript(execution)), Reader(task_tree(execution))]
    for moment, (iteration, name, state, is_read) in enumerate(steps):
        if name == 2:
            execution.put_task(Task("/each", "each", "for", state))
        else:
            started = None if state in (RunState.PENDING, RunState.SKIPPED) else START + timedelta(seconds=moment)
            task_id = f"/each/{iteration}/{'ab'[name]}"
            before = execution.tasks.get(task_id)
            started = (before and before.started_at) or started
            execution.put_task(Task(task_id, "ab"[name], "set", state, "/each", started_at=started))
        child.put_message(len(child.messages), Message(Role.AGENT, f"text {moment}"))
        if is_read:
            for reader in readers:
                reader.read()
    for reader in readers:
        reader.read()


def test_a_long_execution_is_one_edit_when_it_is_opened() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper")
    for index in range(1_000):
        execution.put_message(index, Message(Role.AGENT, "text"))
    assert transcript(execution).refresh() == [Inserted(0, 1_000)]


def test_entries_that_come_one_after_the_other_are_one_edit() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper")
    execution.put_message(0, Message(Role.HUMAN, "Hello"))
    outline = transcript(execution)
    outline.refresh()
    for index in range(1, 4):
        execution.put_message(index, Message(Role.AGENT, "text"))
    assert Inserted(1, 3) in outline.refresh()


def test_nothing_is_told_when_nothing_changed() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper")
    execution.put_message(0, Message(Role.HUMAN, "Hello"))
    outline = transcript(execution)
    outline.refresh()
    assert outline.refresh() == []
