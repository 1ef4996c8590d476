"""Reads definitions from messages of the API. What cannot be read is reported as a problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from google.protobuf.message import Message

from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_pb2 import WorkflowSpec, WorkflowTask
from stigmer_tui.definition.problems import DefinitionProblem
from stigmer_tui.definition.task_kinds import KINDS
from stigmer_tui.definition.task_reader import CONFIG, Common, TaskReader, read_config
from stigmer_tui.definition.tasks import Definition, TaskDefinition, TaskList


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """The messages of a task, to check their rules."""

    path: str
    task: WorkflowTask
    config: Message | None


@dataclass(slots=True)
class Reading:
    """A definition that has been read, with its problems."""

    definition: Definition
    problems: list[DefinitionProblem] = field(default_factory=list)
    messages: list[TaskMessage] = field(default_factory=list)


def read(spec: WorkflowSpec) -> Reading:
    """Reads a definition, and checks keys, types and the form of expressions; `validation` checks the rest."""
    document = spec.document
    reader = _MessageReader()
    definition = Definition(
        name=document.name,
        namespace=document.namespace,
        version=document.version,
        description=spec.description or document.description,
        tasks=reader.block(spec.tasks, "").tasks,
    )
    return Reading(definition, reader.problems, reader.messages)


class _MessageReader:
    def __init__(self) -> None:
        self.problems: list[DefinitionProblem] = []
        self.messages: list[TaskMessage] = []

    def block(self, tasks: Iterable[WorkflowTask], path: str) -> TaskList:
        read = (self._task(task, f"{path}/{task.name or f'[{index}]'}") for index, task in enumerate(tasks))
        return TaskList(path, tuple(read))

    def _task(self, task: WorkflowTask, path: str) -> TaskDefinition:
        reader = TaskReader(path, self.problems, self.block)
        export = reader.template(getattr(task.export, "as"), "export.as") if task.HasField("export") else None
        common: Common = {"name": task.name, "path": path, "then": task.flow.then, "export": export}
        if task.kind not in KINDS or not task.HasField("task_config"):
            self.messages.append(TaskMessage(path, task, None))
            if task.kind and task.kind not in KINDS:
                reader.report("kind", f"there is no kind of task with the number {task.kind}")
            return TaskDefinition(**common)
        kind = KINDS[task.kind]
        config = kind.config()
        self.messages.append(TaskMessage(path, task, config))
        read_config(to_data(task.task_config), config, CONFIG, reader.report)
        return kind.read(config, reader, common)
