"""The tool that keeps the list of what there is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import plural

MAX_TODOS = 200

MARKS = {"pending": "[ ]", "in_progress": "[~]", "completed": "[x]", "cancelled": "[-]"}

Status = Literal["pending", "in_progress", "completed", "cancelled"]


@dataclass(frozen=True, slots=True)
class Todo:
    """A thing to do, as a model writes it."""

    content: str
    status: Status = "pending"


class TodoTools:
    """Tools on the list of what there is to do."""

    async def write_todos(self, todos: list[Todo]) -> str:
        """Note what there is to do in a task of several steps, and what is done. Write the whole list each time.

        Keep the content of an item as it is when only its status changes. One item is in progress at a time.

        Args:
            todos: The items in their order, each with its content and its status.
        """
        if len(todos) > MAX_TODOS:
            raise StigmerError(f"the list has {len(todos)} items, where {MAX_TODOS} are the limit")
        if any(not todo.content.strip() for todo in todos):
            raise StigmerError("an item has no content")
        done = sum(todo.status == "completed" for todo in todos)
        lines = [f"{MARKS[todo.status]} {todo.content}" for todo in todos]
        return "\n".join([f"{done} of {plural(len(todos), 'item')} done", *lines])
