"""What happens in an execution, as events: each node and each message as it is now, with the way to it."""

from __future__ import annotations

from typing import Any, Protocol

from stigmer_tui.core.output_tail import OutputTail
from stigmer_tui.workbench.execution_tree import Execution, Part
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKey, NodeKind, Role
from stigmer_tui.workbench.todos import todos_of
from stigmer_tui.workbench.usage import ModelCall, Usage


class WriteEvent(Protocol):
    def __call__(self, event: str, **data: object) -> None:
        """Writes the name of an event, and what belongs to it."""


class RunEvents:
    def __init__(self, execution: Execution, write: WriteEvent) -> None:
        self.execution = execution
        self._write = write
        self._seen = -1
        self._texts: dict[Part, str] = {}
        """What was written of messages that are not complete."""
        self._written_calls: dict[NodeKey, int] = {}
        """How many calls of models were written, by run."""
        self._outputs: dict[NodeKey, int] = {}
        """Of calls that run: how many characters of their output were written."""

    def update(self) -> None:
        """Writes what has happened since the last time."""
        execution = self.execution
        parts = execution.changed_since(self._seen)
        self._seen = execution.revision
        messages = {part for part in parts if part.message >= 0} | self._texts.keys()
        for part in sorted(messages, key=lambda part: (execution.place(part.key), part.message)):
            self._message(part)
        for key in sorted((part.key for part in parts if part.message < 0), key=execution.place):
            self._node(key)

    def _message(self, part: Part) -> None:
        """The text as it grows, and the whole message once it is complete."""
        run, index = part
        messages, is_over = self.execution.messages(run), self.execution.node(run).state.is_final
        message, where = messages[index], _where(self.execution, run)
        if message.role is Role.TOOL:
            return
        of_reasoning = {"role": "reasoning"} if message.is_reasoning else {}
        told = self._texts.pop(part, "")
        if not message.text.startswith(told):
            told = ""
        if message.text != told:
            new = message.text[len(told) :]
            self._write("text", index=index, keep=len(told), text=new, **of_reasoning, **where)
        if is_over or index < len(messages) - 1:
            files = {"files": list(message.files)} if message.files else {}
            role = {"role": message.role.name.lower(), **of_reasoning}
            self._write("message", index=index, **role, text=message.text, **files, **where)
        else:
            self._texts[part] = message.text

    def _node(self, key: NodeKey) -> None:
        node = self.execution.node(key)
        match node.kind:
            case NodeKind.TOOL_CALL:
                if node.state is not RunState.RUNNING:
                    self._outputs.pop(key, None)
                if key not in self._outputs:
                    self._write("tool_call", **_call(node), **_where(self.execution, key))
                    self._todos(key, node)
                if node.state is RunState.RUNNING:
                    self._output(key, node)
            case NodeKind.SUB_AGENT:
                self._write("sub_agent", **_sub_agent(node), **_where(self.execution, key))
            case NodeKind.TASK:
                self._write("task", **_task(node), **_where(self.execution, key))
            case NodeKind.RUN:
                # Its messages, and the node that it stands for, say what becomes of it.
                self._model_calls(key, node)

    def _output(self, key: NodeKey, call: Node) -> None:
        """What a call that runs has put out since the last time; `before` counts the characters before it."""
        new = OutputTail(call.left_out, str(call.output or "")).since(self._outputs.setdefault(key, 0))
        if new.text:
            self._outputs[key] = new.end
            self._write("output", id=call.id, before=new.before, text=new.text, **_where(self.execution, key))

    def _todos(self, key: NodeKey, node: Node) -> None:
        """The whole list, when it has been written."""
        if node.state is RunState.COMPLETED and (todos := todos_of(node)):
            items = [{"content": todo.content, "state": todo.state} for todo in todos]
            self._write("todos", items=items, **_where(self.execution, key))

    def _model_calls(self, run: NodeKey, node: Node) -> None:
        written = self._written_calls.get(run, 0)
        for number, call in enumerate(node.usage.calls[written:], written + 1):
            self._write("model_call", number=number, **_model_call(call), **_where(self.execution, run))
        self._written_calls[run] = len(node.usage.calls)


def _where(execution: Execution, key: NodeKey) -> dict[str, Any]:
    """`path`: the ids of what is around, from the outside in; `task`: the nearest task that stands for a
    run around."""
    inside = [key] if execution.node(key).kind is NodeKind.RUN else []
    _, *around = reversed([*inside, *execution.ancestors(key)])
    where: dict[str, Any] = {"path": [each[-1] for each in around]} if around else {}
    runs = (each for each in reversed(around) if execution.node(each).kind is NodeKind.RUN)
    for owner in (execution.node(run[:-1]) for run in runs):
        if owner.kind is NodeKind.TASK:
            where["task"] = owner.id
            break
    return where


def _call(call: Node) -> dict[str, Any]:
    return {
        "id": call.id,
        "name": call.name,
        "arguments": dict(call.input or {}),
        "state": call.state,
        "result": "" if call.state is RunState.RUNNING else call.output or "",
        "error": call.error,
        **_links(call),
    }


def _model_call(call: ModelCall) -> dict[str, Any]:
    return {"model": call.model, **_tokens(call), "cost": call.cost}


def usage_data(usage: Usage) -> dict[str, Any]:
    """What a run has used; its cost is None where a price is not known."""
    return {"requests": len(usage.calls), **_tokens(usage), "cost": usage.cost}


def _tokens(counted: ModelCall | Usage) -> dict[str, Any]:
    return {
        "input_tokens": counted.input_tokens,
        "cached_tokens": counted.cached_tokens,
        "output_tokens": counted.output_tokens,
    }


def _sub_agent(sub_agent: Node) -> dict[str, Any]:
    return {
        "id": sub_agent.id,
        "name": sub_agent.name,
        "state": sub_agent.state,
        "input": sub_agent.input or "",
        "output": sub_agent.output or "",
        "error": sub_agent.error,
        **_links(sub_agent),
    }


def _task(task: Node) -> dict[str, Any]:
    return {
        "id": task.id,
        "name": task.name,
        "kind": task.type,
        "state": task.state,
        "output": task.output if task.state is RunState.COMPLETED else None,
        "error": task.error,
        **_links(task),
    }


def _links(node: Node) -> dict[str, Any]:
    """To other executions, where there are any."""
    links: dict[str, Any] = {"execution_id": node.child} if node.child else {}
    if node.origin:
        links |= {"origin": node.origin.kind, "origin_execution_id": node.origin.execution_id}
    return links
