"""What a transcript and a tree of tasks are made of: one entry for each thing that a person can point at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stigmer_tui.workbench.entry_keys import EntryKey
from stigmer_tui.workbench.model import Message, ModelWait, RunState, Task, ToolCall


@dataclass(frozen=True, slots=True)
class Entry:
    key: EntryKey
    """Names the entry for good, and sorts it among the others."""
    revision: int
    """Of its last change."""
    depth: int
    """Levels of indentation."""
    has_gap: bool
    """Whether there is space above."""


@dataclass(frozen=True, slots=True)
class MessageEntry(Entry):
    """What somebody said."""

    message: Message
    has_heading: bool
    """Whether the speaker is to be named: not where the one before goes on."""
    is_growing: bool
    """Whether more of it may come."""


@dataclass(frozen=True, slots=True)
class CallEntry(Entry):
    """The use of a tool."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class TaskEntry(Entry):
    """A task of a workflow."""

    task: Task
    prefix: str = ""
    """Which iteration or branch of the task around it this belongs to: `2/`."""
    waiting: ModelWait | None = None
    """The model that the agent of this task waits for."""
    is_told_below: bool = False
    """Whether its error is that of a task below it."""


@dataclass(frozen=True, slots=True)
class GroupEntry(Entry):
    """An iteration or a branch: the tasks that belong together below one task."""

    name: str
    state: RunState
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class EndEntry(Entry):
    """How an execution ended, with its output or its error."""

    state: RunState
    error: str
    output: Any
    cause: str = ""
    """Name of the task that failed and shows the error already."""


def raw_arguments(call: ToolCall) -> str | None:
    """What a model gave that is no JSON, as it stands; None where it gave arguments."""
    raw = call.arguments.get("")
    return raw if len(call.arguments) == 1 and isinstance(raw, str) else None


def text_of(entry: Entry) -> str:
    """All of an entry as plain text, for the clipboard."""
    match entry:
        case MessageEntry():
            return entry.message.text
        case CallEntry(call=call):
            raw = raw_arguments(call)
            arguments = _json(dict(call.arguments)) if raw is None else raw
            return _paragraphs(f"{call.name} {arguments}", call.result, call.error)
        case TaskEntry(task=task):
            return _paragraphs(f"{task.id} {task.detail}".strip(), _json(task.input), _json(task.output), task.error)
        case GroupEntry():
            return entry.name
        case EndEntry():
            return _paragraphs(_json(entry.output), entry.error)
    raise TypeError(f"no entry: {entry!r}")


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False, default=str)
