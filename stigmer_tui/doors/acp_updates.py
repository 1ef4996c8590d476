"""What happens in a run of an agent, as updates of the Agent Client Protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import acp
from acp.schema import Cost, PlanEntryStatus, ToolCallLocation, ToolCallStatus, ToolKind, UsageUpdate

from stigmer_tui.core.agent_tools import WRITE_TODOS
from stigmer_tui.doors.message_cursor import Growth, MessageCursor
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import SUBJECTS, Node, NodeKey, NodeKind, Role
from stigmer_tui.workbench.todos import todos_of

MAX_OUTPUT = 20_000
"""Characters of what a tool has returned; the last ones."""

MAX_SUBJECT = 100
"""Characters of what a call is about, in its title."""

KINDS: dict[str, ToolKind] = {
    "ls": "search",
    "glob": "search",
    "grep": "search",
    "read_file": "read",
    "write_file": "edit",
    "edit_file": "edit",
    "execute": "execute",
    "task": "think",
}
"""Of our own tools; those of MCP servers are `other`."""

STATES: dict[RunState, ToolCallStatus] = {
    RunState.PENDING: "pending",
    RunState.WAITING: "pending",
    RunState.RUNNING: "in_progress",
    RunState.COMPLETED: "completed",
}
"""All others have failed."""

PLAN_STATES: dict[RunState, PlanEntryStatus] = {RunState.COMPLETED: "completed", RunState.RUNNING: "in_progress"}


class RunUpdates:
    """Of the agent itself: its sub-agents are calls like others."""

    def __init__(self, execution: Execution, folder: Path) -> None:
        """`folder` is the one in which the agent works: its paths begin there."""
        self._execution = execution
        self._folder = folder
        self._seen = -1
        self._cursor = MessageCursor(execution)
        self._follows_text = False
        self._calls: dict[NodeKey, Node] = {}
        """As they were told last."""

    def new(self) -> Iterator[Any]:
        """What has happened since the last time, in its order."""
        changed = self._execution.changed_since(self._seen)
        self._seen = self._execution.revision
        for growth in self._cursor.new():
            yield from self._message(growth)
        keys = {part.key for part in changed if part.message < 0 and len(part.key) == 2}
        for key in sorted(keys, key=self._execution.place):
            yield from self._call(key)

    def usage(self) -> Iterator[UsageUpdate]:
        """At the end, where a provider has counted."""
        usage = self._execution.usage
        last = usage.calls[-1] if usage.calls else None
        if last is not None and last.context_window:
            cost = Cost(amount=usage.cost, currency="USD") if usage.cost is not None else None
            used = last.input_tokens + last.output_tokens
            yield UsageUpdate(session_update="usage_update", used=used, size=last.context_window, cost=cost)

    def _message(self, growth: Growth) -> Iterator[Any]:
        message, text, is_beginning = growth
        match message.role:
            case Role.TOOL:
                for call in message.calls:
                    yield from self._call((self._execution.id, call))
            case Role.AGENT if text:
                # Calls part messages by themselves.
                gap = "\n\n" if self._follows_text and is_beginning else ""
                self._follows_text = True
                yield acp.update_agent_message_text(gap + text)
            case Role.SYSTEM if text:
                yield acp.update_agent_thought_text(text)
            case _:
                pass

    def _call(self, key: NodeKey) -> Iterator[Any]:
        node = self._execution.find(key)
        if node is None or node.kind not in (NodeKind.TOOL_CALL, NodeKind.SUB_AGENT):
            return
        if node.name == WRITE_TODOS:
            if node.state is RunState.COMPLETED and key not in self._calls and (todos := todos_of(node)):
                self._calls[key] = node
                yield acp.update_plan(
                    [acp.plan_entry(todo.content, status=PLAN_STATES.get(todo.state, "pending")) for todo in todos]
                )
            return
        before = self._calls.get(key)
        self._calls[key] = node
        self._follows_text = False
        if before is None:
            yield self._start(node)
        elif before != node:
            yield acp.update_tool_call(
                node.id,
                title=title_of(node),
                raw_input=node.input,
                status=_state(node),
                content=self._content(node),
                raw_output=node.output or node.error or None,
            )

    def _start(self, node: Node) -> Any:
        path = self._path(node)
        return acp.start_tool_call(
            node.id,
            title_of(node),
            kind=kind_of(node),
            status=_state(node),
            content=self._content(node),
            locations=[ToolCallLocation(path=path)] if path else None,
            raw_input=node.input,
        )

    def _content(self, node: Node) -> list[Any]:
        arguments = node.input if isinstance(node.input, Mapping) else {}
        content: list[Any] = []
        if path := self._path(node):
            if node.name == "write_file":
                content.append(acp.tool_diff_content(path, str(arguments.get("content", ""))))
            elif node.name == "edit_file":
                old, new = (str(arguments.get(name, "")) for name in ("old_string", "new_string"))
                content.append(acp.tool_diff_content(path, new, old))
        if text := node.error or _text(node.output):
            content.append(acp.tool_content(acp.text_block(text[-MAX_OUTPUT:])))
        return content

    def _path(self, node: Node) -> str:
        arguments = node.input if isinstance(node.input, Mapping) else {}
        path = arguments.get("file_path")
        return str(self._folder / path.lstrip("/")) if isinstance(path, str) else ""


def title_of(node: Node) -> str:
    """`execute date +%A`."""
    arguments = node.input if isinstance(node.input, Mapping) else {}
    subject = next((str(arguments[name]) for name in SUBJECTS if arguments.get(name)), "")
    return f"{node.name} {subject.strip().splitlines()[0][:MAX_SUBJECT] if subject.strip() else ''}".rstrip()


def kind_of(node: Node) -> ToolKind:
    return "think" if node.kind is NodeKind.SUB_AGENT else KINDS.get(node.name, "other")


def _state(node: Node) -> ToolCallStatus:
    return STATES.get(node.state, "failed")


def _text(output: object) -> str:
    if output is None:
        return ""
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False, default=str)
