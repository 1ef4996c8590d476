"""Trees for tests: nodes in the words of a test, and what is put where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Message, Node, NodeKey, NodeKind, PutMessage, PutNode


def task(
    id: str,  # noqa: A002
    name: str,
    type: str = "",  # noqa: A002
    state: RunState = RunState.PENDING,
    parent: str = "",
    detail: str = "",
    **fields: Any,
) -> Node:
    return Node(id, NodeKind.TASK, name, type, state, parent, detail, **fields)


def tool_call(
    id: str,  # noqa: A002
    name: str,
    arguments: Mapping[str, Any] | None = None,
    state: RunState = RunState.PENDING,
    result: str = "",
    error: str = "",
    started_at: datetime | None = None,
    completed_at: datetime | None = None,
    **fields: Any,
) -> Node:
    return Node(
        id,
        NodeKind.TOOL_CALL,
        name,
        state=state,
        input=dict(arguments or {}),
        output=result,
        error=error,
        started_at=started_at,
        completed_at=completed_at,
        **fields,
    )


def node(execution: Execution, id: str) -> Node:  # noqa: A002
    """Of the execution itself."""
    return execution.node((execution.id, id))


def put(execution: Execution, *nodes: Node, scope: NodeKey | None = None) -> None:
    """Into a run; without a scope, into the execution itself."""
    for each in nodes:
        execution.apply(PutNode(each, scope or execution.root_key))


def put_message(execution: Execution, index: int, message: Message, run: NodeKey | None = None) -> None:
    execution.apply(PutMessage(index, message, run or execution.root_key))


def change(execution: Execution, **fields: Any) -> None:
    """The fields of the root."""
    execution.apply(PutNode(replace(execution.root, **fields), ()))


def graft(execution: Execution, owner: str, child: Execution) -> NodeKey:
    """Puts all of another execution below a node, as the run that this stands for; returns the run's key."""
    around = (execution.id, owner)
    known = execution.find(around)
    if known is not None and not known.child:
        put(execution, replace(known, child=child.id))
    for key, each in child.nodes():
        execution.apply(PutNode(each, (*around, *key[:-1])))
        if each.kind is NodeKind.RUN:
            for index, message in enumerate(child.messages(key)):
                execution.apply(PutMessage(index, message, (*around, *key)))
    return (*around, child.id)
