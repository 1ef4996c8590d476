"""What the faces draw, as plain data: resources, executions with their messages, tool calls and tasks.

Nothing here imports a generated message, so that the screen can stand before the wire is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, NamedTuple

from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.workbench.changes import ChangeLog, Part, PartKind


class ResourceKind(StrEnum):
    WORKFLOW = "workflow"
    AGENT = "agent"


class RunState(StrEnum):
    """Where an execution, a task or a tool call stands; each has its glyph and its colour."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"

    @property
    def is_final(self) -> bool:
        return self in (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)


class Role(Enum):
    HUMAN = "You"
    AGENT = "Agent"
    TOOL = "Tool"
    SYSTEM = "System"


class ResourceKey(NamedTuple):
    """What a resource is known by on one server and in one organization."""

    kind: ResourceKind
    slug: str


@dataclass(frozen=True, slots=True)
class Resource:
    """An agent or a workflow as it is deployed."""

    kind: ResourceKind
    id: str
    slug: str
    name: str
    organization: str = ""
    description: str = ""
    variables: tuple[RunVariable, ...] = ()
    updated_at: datetime | None = None
    project: str = ""
    """Name of the project that deployed it, where that is known."""

    @property
    def key(self) -> ResourceKey:
        return ResourceKey(self.kind, self.slug)


@dataclass(frozen=True, slots=True)
class Run:
    """An execution, in a line of a list."""

    kind: ResourceKind
    id: str
    resource_id: str
    resource: str
    """Slug of the agent or workflow."""
    state: RunState
    message: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error: str = ""


SCRIPTED = "scripted"


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    text: str
    at: datetime | None = None
    calls: tuple[str, ...] = ()
    """Ids of the tool calls that a tool message stands for."""
    model: str = ""
    """What wrote it, for an agent's message; SCRIPTED where no model was asked."""
    revision: int = field(default=0, compare=False)

    def as_of(self, revision: int) -> Message:
        """By hand: with `replace`, it would be most of what a change costs, and each token is one."""
        return Message(self.role, self.text, self.at, self.calls, self.model, revision)


@dataclass(frozen=True, slots=True)
class ToolCall:
    id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    state: RunState = RunState.PENDING
    result: str = ""
    error: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Task:
    id: str
    """Path in the definition, with the iteration where there is one: `/each/2/charge`."""
    name: str
    kind: str
    """`set`, `http`, `switch`, `for`, `wait`, `agent`; others come from other servers."""
    state: RunState = RunState.PENDING
    parent: str = ""
    """Id of the task around this one; empty at the top."""
    detail: str = ""
    """What it is about, in a few words: `GET 127.0.0.1:18080/item.json  200  1.3 kB`."""
    input: Any = None
    output: Any = None
    error: str = ""
    attempt: int = 1
    child: str = ""
    """Id of the agent execution that this task waits for."""
    started_at: datetime | None = None
    completed_at: datetime | None = None
    revision: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ModelWait:
    """A model that has been asked and has not said anything yet."""

    model: str
    """Provider and model: `openai gpt-5-mini`."""
    since: datetime | None = None
    reason: str = ""
    """Why it has to be asked again; empty the first time."""


@dataclass(slots=True, eq=False)
class Execution:
    """One execution as it is known so far. The only state that is changed in place: it can hold 100,000 entries.

    It is changed through its methods. Every change raises `revision` and is noted in `changes`; what changed carries
    the revision of its last change. What is put where an equal part stands already is no change. A child counts its
    own changes.
    """

    kind: ResourceKind
    id: str
    resource: str
    """Slug of the agent or workflow."""
    message: str = ""
    state: RunState = RunState.PENDING
    error: str = ""
    output: Any = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    waiting: ModelWait | None = None
    """The model that the agent waits for."""
    messages: list[Message] = field(default_factory=list)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    """By id, in the order in which they began."""
    tasks: dict[str, Task] = field(default_factory=dict)
    """By id, in the order in which they were reported."""
    children: dict[str, Execution] = field(default_factory=dict)
    """Agent executions of tasks, by the id of the task."""
    revision: int = 0
    changes: ChangeLog = field(default_factory=ChangeLog, repr=False)
    positions: dict[str, int] = field(default_factory=dict, repr=False)
    """Which of the tasks each is, by its id."""

    def put_message(self, index: int, message: Message) -> None:
        """Replaces a message, or adds one when `index` is one past the end."""
        if index == len(self.messages):
            self.messages.append(message)
        elif self.messages[index] == message:
            return
        self._note(PartKind.MESSAGE, index)
        self.messages[index] = message.as_of(self.revision)

    def put_call(self, call: ToolCall) -> None:
        if self.calls.get(call.id) == call:
            return
        self._note(PartKind.CALL, call.id)
        self.calls[call.id] = replace(call, revision=self.revision)

    def put_task(self, task: Task) -> None:
        if self.tasks.get(task.id) == task:
            return
        self.positions.setdefault(task.id, len(self.positions))
        self._note(PartKind.TASK, task.id)
        self.tasks[task.id] = replace(task, revision=self.revision)

    def put_child(self, task_id: str, child: Execution) -> None:
        """The agent execution of a task."""
        if self.children.get(task_id) is child:
            return
        self.children[task_id] = child
        self._note(PartKind.CHILD, task_id)

    def touch(self) -> None:
        """After a change of the execution's own fields: its state, error, output and times."""
        self._note(PartKind.EXECUTION, self.id)

    def changed_since(self, revision: int) -> list[Part]:
        """The parts that changed after a revision, each once; all there are for -1."""
        known = self.changes.since(revision)
        if known is not None:
            return known
        parts = [Part(PartKind.EXECUTION, self.id)]
        parts += [Part(PartKind.TASK, task.id) for task in self.tasks.values() if task.revision > revision]
        parts += [Part(PartKind.CHILD, task_id) for task_id in self.children]
        for index, message in enumerate(self.messages):
            if message.revision > revision:
                parts.append(Part(PartKind.MESSAGE, index))
        parts += [Part(PartKind.CALL, call.id) for call in self.calls.values() if call.revision > revision]
        return parts

    def _note(self, kind: PartKind, name: int | str) -> None:
        self.revision += 1
        self.changes.note(Part(kind, name), self.revision)


def run_of(execution: Execution, resource_id: str) -> Run:
    """An execution as a line of the list."""
    return Run(
        kind=execution.kind,
        id=execution.id,
        resource_id=resource_id,
        resource=execution.resource,
        state=execution.state,
        message=execution.message,
        created_at=execution.created_at,
        started_at=execution.started_at,
        completed_at=execution.completed_at,
        error=execution.error,
    )
