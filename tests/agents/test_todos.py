"""The list of what an agent has to do: its items keep their ids (`docs/compatibility.md` 79)."""

from __future__ import annotations

from stigmer_tui.agents.todos import TodoList
from stigmer_tui.agents.tools.todos import Todo
from stigmer_tui.api.agent_execution_pb2 import TodoItem, TodoStatus
from stigmer_tui.api.phases import Phase
from tests.agents.conftest import Agents, assignment

PENDING, RUNNING, DONE = TodoStatus.TODO_PENDING, TodoStatus.TODO_IN_PROGRESS, TodoStatus.TODO_COMPLETED


def rows(items: list[TodoItem]) -> list[tuple[str, str, int]]:
    return [(item.id, item.content, item.status) for item in items]


def test_79_an_item_is_the_same_when_only_its_status_changes() -> None:
    todos = TodoList()
    todos.write([Todo("a", "in_progress"), Todo("b")], "10:00")
    todos.write([Todo("a", "completed"), Todo("b")], "10:01")
    assert rows(todos.items) == [("1", "a", DONE), ("2", "b", PENDING)]
    assert [(item.created_at, item.updated_at) for item in todos.items] == [("10:00", "10:01"), ("10:00", "10:00")]


def test_items_are_the_same_in_another_order_and_beside_new_ones() -> None:
    todos = TodoList()
    todos.write([Todo("a"), Todo("b")], "10:00")
    todos.write([Todo("new"), Todo("b"), Todo("a")], "10:01")
    assert rows(todos.items) == [("3", "new", PENDING), ("2", "b", PENDING), ("1", "a", PENDING)]


def test_an_item_that_is_said_in_other_words_is_the_one_in_its_place() -> None:
    todos = TodoList()
    todos.write([Todo("a"), Todo("b"), Todo("a")], "10:00")
    todos.write([Todo("a"), Todo("b, really", "in_progress"), Todo("a")], "10:01")
    assert rows(todos.items) == [("1", "a", PENDING), ("2", "b, really", RUNNING), ("3", "a", PENDING)]


SCRIPT = """
delay: 0
turns:
  - call: {write_todos: {todos: [{content: Look, status: in_progress}, {content: Write}]}}
  - call: {write_todos: {todos: [{content: Look, status: completed}, {content: Write, status: in_progress}]}}
  - call: {write_todos: {todos: [{content: ""}]}}
  - call: {write_todos: {todos: [{content: Look, status: soon}]}}
  - say: "{{write_todos}}"
"""


async def test_79_the_list_of_a_run(agents: Agents) -> None:
    ledger = await agents.run(assignment(SCRIPT))
    assert ledger.phase is Phase.COMPLETED
    todos = ledger.status.todos
    assert [(key, todos[key].content, todos[key].status) for key in sorted(todos)] == [
        ("1", "Look", DONE),
        ("2", "Write", RUNNING),
    ]
    first, second, without_content, unknown_status = ledger.calls
    assert first.result == "0 of 2 items done\n[~] Look\n[ ] Write"
    assert second.result == "1 of 2 items done\n[x] Look\n[~] Write"
    assert without_content.error == "an item has no content"
    assert "status" in unknown_status.error
