"""The list of what an agent has to do, whose items keep their ids (`docs/compatibility.md` 79)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from stigmer_tui.agents.tools.todos import Todo
from stigmer_tui.api.agent_execution_pb2 import TodoItem, TodoStatus

STATUSES = {
    "pending": TodoStatus.TODO_PENDING,
    "in_progress": TodoStatus.TODO_IN_PROGRESS,
    "completed": TodoStatus.TODO_COMPLETED,
    "cancelled": TodoStatus.TODO_CANCELLED,
}


class TodoList:
    """Depends on what was written and when, and on nothing else, so that a resumed run makes the same one."""

    def __init__(self) -> None:
        self.items: list[TodoItem] = []
        self._numbers = count(1)

    def write(self, todos: Sequence[Todo], at: str) -> None:
        """Replaces the list. An item with the content of a former one is that item; else the one in the same place
        is, if nothing else is.
        """
        former = _same_content(todos, self.items)
        taken = {item.id for item in former if item is not None}
        if len(todos) == len(self.items):
            pairs = zip(former, self.items, strict=True)
            former = [found or (item if item.id not in taken else None) for found, item in pairs]
        self.items = [self._item(todo, item, at) for todo, item in zip(todos, former, strict=True)]

    def _item(self, todo: Todo, former: TodoItem | None, at: str) -> TodoItem:
        status = STATUSES[todo.status]
        if former is None:
            return TodoItem(
                id=str(next(self._numbers)), content=todo.content, status=status, created_at=at, updated_at=at
            )
        is_same = (former.content, former.status) == (todo.content, status)
        updated_at = former.updated_at if is_same else at
        return TodoItem(
            id=former.id, content=todo.content, status=status, created_at=former.created_at, updated_at=updated_at
        )


def _same_content(todos: Sequence[Todo], items: Sequence[TodoItem]) -> list[TodoItem | None]:
    """For each, the item with its content that none before it has taken."""
    left = list(items)
    found: list[TodoItem | None] = []
    for todo in todos:
        item = next((item for item in left if item.content == todo.content), None)
        if item is not None:
            left.remove(item)
        found.append(item)
    return found
