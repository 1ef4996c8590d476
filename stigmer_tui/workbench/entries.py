"""What a transcript and a tree of tasks are made of: one entry for each thing that a person can point at."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import SUBJECTS, Message, ModelWait, Node, NodeKind, Role

EntryKey = bytes
"""A number of four bytes for each level, so that keys sort as what they name stands, and the key of a thing begins
with the key of the thing around it."""

NUMBER = struct.Struct(">I")

LEVEL = NUMBER.size

LAST = 2**32 - 1
"""The number of whatever stands at the end."""


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
class NodeEntry(Entry):
    """A task, the use of a tool or a sub-agent."""

    node: Node
    prefix: str = ""
    """Which iteration or branch of the task around it this belongs to: `2/`."""
    waiting: ModelWait | None = None
    """The model that the agent waits for which this stands for."""
    is_told_below: bool = False
    """Whether its error is that of an entry below it."""
    is_superseded: bool = False
    """Whether it is a list of things to do that was written again later."""


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


def is_own_message(entry: Entry | None) -> bool:
    """Whether it is what the person said to the agent that is shown."""
    return isinstance(entry, MessageEntry) and entry.message.role is Role.HUMAN and not entry.depth


def raw_arguments(call: Node) -> str | None:
    """What a model gave that is no JSON, as it stands; None where it gave arguments."""
    raw = call.input.get("") if isinstance(call.input, dict) and len(call.input) == 1 else None
    return raw if isinstance(raw, str) else None


def call_arguments(call: Node) -> Iterator[tuple[str, str]]:
    """Names and texts, first that which the call is about; what is no JSON has no name."""
    if (raw := raw_arguments(call)) is not None:
        yield "", raw
        return
    for name in sorted(call.input or {}, key=lambda name: SUBJECTS.index(name) if name in SUBJECTS else len(SUBJECTS)):
        value = call.input[name]
        yield name, value if isinstance(value, str) else json.dumps(value, default=str)


def text_of(entry: Entry) -> str:
    """All of an entry as plain text, for the clipboard."""
    match entry:
        case MessageEntry():
            return entry.message.text
        case NodeEntry(node=node):
            return _text_of_node(node)
        case GroupEntry():
            return entry.name
        case EndEntry():
            return _paragraphs(_json(entry.output), entry.error)
    raise TypeError(f"no entry: {entry!r}")


def _text_of_node(node: Node) -> str:
    match node.kind:
        case NodeKind.TOOL_CALL:
            raw = raw_arguments(node)
            arguments = _json(node.input or {}) if raw is None else raw
            return _paragraphs(f"{node.name} {arguments}", node.output or "", node.error)
        case NodeKind.SUB_AGENT:
            return _paragraphs(node.name, node.input or "", node.output or "", node.error)
        case _:
            return _paragraphs(f"{node.id} {node.detail}".strip(), _json(node.input), _json(node.output), node.error)


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(text for text in texts if text)


def _json(value: object) -> str:
    return "" if value is None else json.dumps(value, indent=2, ensure_ascii=False, default=str)
