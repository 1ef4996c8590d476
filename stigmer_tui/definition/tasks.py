"""A workflow definition: tasks, nested, each with its path. Nothing in it ever changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar

from stigmer_tui.definition.problems import DefinitionProblem
from stigmer_tui.definition.templates import Template

CONTINUE, EXIT, END = "continue", "exit", "end"
"""Where `then` may lead besides to a task: on, out of this list of tasks, out of the workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """A task of any kind, or one that could not be read. `task_kinds` has a class for each kind."""

    kind: ClassVar[str] = ""
    """As it stands in the proto's enum, without the prefix; empty for a task that could not be read."""
    label: ClassVar[str] = "task"
    """On the screen and in outputs."""
    report_type: ClassVar[str] = "CUSTOM"
    """In the proto's WorkflowTaskType, without the prefix: what existing clients are shown."""
    waits: ClassVar[bool] = False
    """Whether it is shown as waiting while it is under way."""
    is_supported: ClassVar[bool] = False
    """Whether it can be run, and not only be deployed."""

    name: str
    path: str
    """`/eachOrder/charge`: names from the top, with a fork's branch or `try` and `catch` in between."""
    then: str = ""
    export: Template | None = None

    @property
    def blocks(self) -> tuple[TaskList, ...]:
        """The lists of tasks within it."""
        return ()

    @property
    def agents(self) -> tuple[str, ...]:
        """Slugs of the agents that it calls."""
        return ()

    def targets(self) -> Iterator[tuple[str, str]]:
        """The names of tasks to which it leads, each with the field that says so."""
        yield "flow.then", self.then

    def problems(self) -> Iterator[DefinitionProblem]:
        """What is wrong with it although its message is well formed."""
        yield from ()

    def warnings(self) -> Iterator[DefinitionProblem]:
        """What is allowed and can hardly be meant."""
        yield from ()


@dataclass(frozen=True, slots=True)
class TaskList:
    """A list of tasks within a task."""

    path: str
    tasks: tuple[TaskDefinition, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    name: str
    namespace: str
    version: str
    description: str
    tasks: tuple[TaskDefinition, ...]


def every_task(tasks: tuple[TaskDefinition, ...]) -> Iterator[TaskDefinition]:
    """These tasks and all within them, in the order in which they are written."""
    for task in tasks:
        yield task
        for block in task.blocks:
            yield from every_task(block.tasks)


def templates_of(task: TaskDefinition) -> Iterator[Template]:
    """Every template of a task, without those of the tasks within."""
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
