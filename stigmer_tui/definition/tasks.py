"""A workflow definition: typed tasks of all kinds, nested, each with its path. Nothing in it ever changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from stigmer_tui.definition.templates import Template

CONTINUE, EXIT, END = "continue", "exit", "end"
"""Where `then` may lead besides to a task: on, out of this list of tasks, out of the workflow."""

DEFAULT_TIMEOUT = 30
"""Seconds for an HTTP request that sets no limit of its own (`docs/compatibility.md` 57)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    kind: ClassVar[str] = ""
    """As it stands in the proto's enum, without the prefix; empty for a task that could not be read."""

    name: str
    path: str
    """`/eachOrder/charge`: names from the top, with a fork's branch or `try` and `catch` in between."""
    then: str = ""
    export: Template | None = None


@dataclass(frozen=True, slots=True)
class TaskList:
    """A list of tasks within a task."""

    path: str
    tasks: tuple[TaskDefinition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTask(TaskDefinition):
    kind = "SET"
    variables: Mapping[str, Template] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpTask(TaskDefinition):
    kind = "HTTP_CALL"
    method: str
    uri: Template
    headers: Mapping[str, Template] = field(default_factory=dict)
    body: Any = None
    """JSON-like data with templates for texts, or None for no body."""
    timeout: int = DEFAULT_TIMEOUT
    """Seconds, for each attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcTask(TaskDefinition):
    kind = "GRPC_CALL"
    service: str
    method: str
    request: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityTask(TaskDefinition):
    kind = "CALL_ACTIVITY"
    activity: str
    input: Any = None


@dataclass(frozen=True, slots=True)
class SwitchCase:
    name: str
    when: Template | None
    """None for the case that holds when no other does."""
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTask(TaskDefinition):
    kind = "SWITCH"
    cases: tuple[SwitchCase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForTask(TaskDefinition):
    kind = "FOR"
    each: str
    items: Template
    body: TaskList


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkTask(TaskDefinition):
    kind = "FORK"
    branches: tuple[TaskList, ...] = ()
    compete: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TryTask(TaskDefinition):
    kind = "TRY"
    body: TaskList
    catch_as: str = ""
    catch: TaskList | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenTask(TaskDefinition):
    kind = "LISTEN"
    mode: str
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitTask(TaskDefinition):
    kind = "WAIT"
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseTask(TaskDefinition):
    kind = "RAISE"
    error: Template
    message: Template


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTask(TaskDefinition):
    kind = "RUN"
    workflow: str
    input: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTask(TaskDefinition):
    kind = "AGENT_CALL"
    agent: str
    message: Template
    environment: Mapping[str, Template] = field(default_factory=dict)
    model: str = ""
    timeout: int = 0
    """Seconds; 0 for no limit."""
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Definition:
    name: str
    namespace: str
    version: str
    description: str
    tasks: tuple[TaskDefinition, ...]


def blocks(task: TaskDefinition) -> tuple[TaskList, ...]:
    """The lists of tasks within a task."""
    match task:
        case ForTask():
            return (task.body,)
        case ForkTask():
            return task.branches
        case TryTask():
            return (task.body, task.catch) if task.catch else (task.body,)
        case _:
            return ()


def every_task(tasks: tuple[TaskDefinition, ...]) -> Iterator[TaskDefinition]:
    """These tasks and all within them, in the order in which they are written."""
    for task in tasks:
        yield task
        for block in blocks(task):
            yield from every_task(block.tasks)


def templates_of(task: TaskDefinition) -> Iterator[Template]:
    """Every template of a task, without those of the tasks within."""
    for each in fields(task):
        yield from _templates(getattr(task, each.name))


def _templates(value: Any) -> Iterator[Template]:
    match value:
        case Template():
            yield value
        case SwitchCase() if value.when:
            yield value.when
        case dict():
            for item in value.values():
                yield from _templates(item)
        case list() | tuple():
            for item in value:
                yield from _templates(item)
