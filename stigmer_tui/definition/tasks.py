"""A workflow definition: nested tasks, each with its path. It is immutable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

from stigmer_tui.definition.problems import DefinitionProblem
from stigmer_tui.definition.templates import Template

CONTINUE, EXIT, END = "continue", "exit", "end"
"""Targets of `then` besides tasks: the next task, the end of this list of tasks, the end of the workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """A task of any kind, or one that could not be read. `task_kinds` has a class for each kind."""

    kind: ClassVar[str] = ""
    """Its name in the proto's enum, without the prefix; empty for a task that could not be read."""
    label: ClassVar[str] = "task"
    """Its name on the screen and in outputs."""
    report_type: ClassVar[str] = "CUSTOM"
    """Its name in the proto's WorkflowTaskType, without the prefix, for existing clients."""
    waits: ClassVar[bool] = False
    """Whether it is shown as waiting while it runs."""
    is_supported: ClassVar[bool] = False
    """Whether it can run, not only be deployed."""

    name: str
    path: str
    """Names from the top, such as `/eachOrder/charge`, with a fork's branch or `try` and `catch` in between."""
    then: str = ""
    export: Template | None = None

    @property
    def blocks(self) -> tuple[TaskList, ...]:
        """The lists of tasks within it."""
        return ()

    @property
    def agents(self) -> tuple[str, ...]:
        """The slugs of the agents that it calls."""
        return ()

    def targets(self) -> Iterator[tuple[str, str]]:
        """The names of the tasks that it may lead to, each after its field."""
        yield "flow.then", self.then

    def problems(self) -> Iterator[DefinitionProblem]:
        """Problems that the rules of its message do not cover."""
        yield from ()

    def warnings(self) -> Iterator[DefinitionProblem]:
        """What is allowed, but hardly intended."""
        yield from ()


@dataclass(frozen=True, slots=True)
class TaskList:
    """A list of tasks within a task."""

    path: str
    tasks: tuple[TaskDefinition, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A workflow."""

    name: str
    namespace: str
    version: str
    description: str
    tasks: tuple[TaskDefinition, ...]


def every_task(tasks: tuple[TaskDefinition, ...]) -> Iterator[TaskDefinition]:
    """These tasks and all nested ones, in their order."""
    for task in tasks:
        yield task
        for block in task.blocks:
            yield from every_task(block.tasks)


def templates_of(task: TaskDefinition) -> Iterator[Template]:
    """The templates of a task, without those of nested tasks."""
    for each in fields(task):
        yield from _templates(getattr(task, each.name))


def _templates(value: Any) -> Iterator[Template]:
    match value:
        case Template():
            yield value
        case TaskList():
            return
        case dict():
            for item in value.values():
                yield from _templates(item)
        case list() | tuple():
            for item in value:
                yield from _templates(item)
        case _ if is_dataclass(value):
            for each in fields(value):
                yield from _templates(getattr(value, each.name))
