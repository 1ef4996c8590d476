"""What an agent has noted that there is to do, as its call of `write_todos` says it."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer_tui.core.agent_tools import WRITE_TODOS
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKind

STATES = {
    "in_progress": RunState.RUNNING,
    "completed": RunState.COMPLETED,
    "cancelled": RunState.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Todo:
    content: str
    state: RunState


def todos_of(node: Node) -> tuple[Todo, ...]:
    """The list that a call writes; empty for any other node, and where the arguments hold no list."""
    if node.kind is not NodeKind.TOOL_CALL or node.name != WRITE_TODOS or not isinstance(node.input, dict):
        return ()
    listed = node.input.get("todos")
    items = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return tuple(
        Todo(str(item.get("content", "")), STATES.get(str(item.get("status")), RunState.PENDING)) for item in items
    )


def progress_of(todos: tuple[Todo, ...]) -> str:
    """`2 of 5 done: Write the tests`, with what is in progress."""
    done = sum(todo.state is RunState.COMPLETED for todo in todos)
    current = next((todo.content for todo in todos if todo.state is RunState.RUNNING), "")
    return f"{done} of {len(todos)} done{f': {current}' if current else ''}"
