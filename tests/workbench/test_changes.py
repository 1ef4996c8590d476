"""What an execution remembers of its changes."""

from __future__ import annotations

import pytest

from stigmer_tui.workbench import changes
from stigmer_tui.workbench.changes import ChangeLog, Part, PartKind
from stigmer_tui.workbench.model import Execution, Message, ResourceKind, Role, RunState, Task, ToolCall


def execution() -> Execution:
    return Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING)


def message_part(index: int) -> Part:
    return Part(PartKind.MESSAGE, index)


def test_a_part_is_named_once_in_the_order_of_the_last_changes() -> None:
    log = ChangeLog()
    for revision, index in enumerate((0, 1, 0), 1):
        log.note(message_part(index), revision)
    assert log.since(0) == [message_part(1), message_part(0)]
    assert log.since(2) == [message_part(0)]
    assert log.since(3) == []


def test_a_reader_that_is_too_far_behind_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MAX_CHANGES", 2)
    log = ChangeLog()
    for index in range(3):
        log.note(message_part(index), index + 1)
    assert log.since(0) is None
    assert log.since(1) == [message_part(1), message_part(2)]


def test_every_change_raises_the_revision_and_marks_the_part() -> None:
    run = execution()
    run.put_message(0, Message(Role.HUMAN, "hello"))
    run.put_call(ToolCall("c1", "grep"))
    run.put_message(0, Message(Role.HUMAN, "hello there"))
    assert run.revision == 3
    assert run.messages[0].revision == 3
    assert run.calls["c1"].revision == 2


def test_an_equal_part_is_no_change() -> None:
    run = execution()
    for _ in range(2):
        run.put_message(0, Message(Role.HUMAN, "hello"))
        run.put_call(ToolCall("c1", "grep", {"pattern": "x"}))
        run.put_task(Task("/greet", "greet", "set"))
    assert run.revision == 3


def test_a_new_reader_sees_all_parts_and_one_that_fell_behind_only_those_that_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "MAX_CHANGES", 1)
    run = execution()
    for index in range(3):
        run.put_message(index, Message(Role.AGENT, str(index)))
    assert [part for part in run.changed_since(-1) if part.kind is PartKind.MESSAGE] == [*map(message_part, range(3))]
    assert [part for part in run.changed_since(1) if part.kind is PartKind.MESSAGE] == [*map(message_part, (1, 2))]
