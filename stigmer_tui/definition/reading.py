"""From the messages of the API to a Definition. What cannot be read is noted, and the rest is read on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from stigmer_tui.api import workflow_tasks_pb2 as messages
from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.api.structs import to_data, to_struct
from stigmer_tui.api.workflow_pb2 import WorkflowSpec, WorkflowTask
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.problems import DefinitionProblem, near_miss
from stigmer_tui.definition.tasks import (
    DEFAULT_TIMEOUT,
    ActivityTask,
    AgentTask,
    Definition,
    ForkTask,
    ForTask,
    GrpcTask,
    HttpTask,
    ListenTask,
    RaiseTask,
    RunTask,
    SetTask,
    Signal,
    SwitchCase,
    SwitchTask,
    TaskDefinition,
    TaskList,
    TryTask,
    WaitTask,
)
from stigmer_tui.definition.templates import Template, parse_condition, parse_template

Report = Callable[[str, str], None]
"""Takes the place in the task, such as `task_config.endpoint.uri`, and what is wrong there."""

_INTEGERS = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64}
_REALS = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}


def read_config(data: Mapping[str, Any], message: Message, where: str, report: Report) -> None:
    """Fills the message; both spellings of a key are read, null counts as absent. Everything wrong is reported."""
    known = {spelling: field for field in message.DESCRIPTOR.fields for spelling in (field.name, field.json_name)}
    for key, value in data.items():
        field = known.get(key)
        if field is None:
            names = [each.name for each in message.DESCRIPTOR.fields]
            report(f"{where}.{key}", f"there is no such key, only {', '.join(names)}{near_miss(key, names)}")
        elif value is not None:
            _Field(message, field, f"{where}.{field.name}", report).read(value)


class _Field:
    # Descriptors have a type for each implementation of protobuf, and none in common.
    def __init__(self, message: Message, field: Any, where: str, report: Report) -> None:
        self._message = message
        self._field = field
        self._where = where
        self._report = report

    def read(self, value: Any) -> None:
        if self._is_map:
            self._read_map(value)
        elif self._field.is_repeated:
            self._read_list(value)
        elif self._field.message_type is not None:
            self._read_message(getattr(self._message, self._field.name), value, self._where)
        elif (plain := self._plain(value)) is not None:
            setattr(self._message, self._field.name, plain)

    @property
    def _is_map(self) -> bool:
        message_type = self._field.message_type
        return message_type is not None and bool(message_type.GetOptions().map_entry)

    def _read_map(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            self._complain("an object", value)
            return
        target = getattr(self._message, self._field.name)
        for key, item in value.items():
            if isinstance(item, str):
                target[key] = item
            else:
                self._complain("a text", item, f"{self._where}.{key}")

    def _read_list(self, value: Any) -> None:
        if not isinstance(value, list):
            self._complain("a list", value)
            return
        target = getattr(self._message, self._field.name)
        for index, item in enumerate(value):
            self._read_message(target.add(), item, f"{self._where}[{index}]")

    def _read_message(self, target: Message, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            self._complain("an object", value, where)
            return
        target.SetInParent()
        if isinstance(target, Struct):
            target.CopyFrom(to_struct(value))
        else:
            read_config(value, target, where, self._report)

    def _plain(self, value: Any) -> Any:
        field = self._field
        match value:
            case str() if field.type == FieldDescriptor.TYPE_STRING:
                return value
            case bool() if field.type == FieldDescriptor.TYPE_BOOL:
                return value
            case bool():
                pass
            case int() if field.type in _INTEGERS and abs(value) < 2**31:
                return value
            case int() | float() if field.type in _REALS:
                return float(value)
            case str() | int() if field.type == FieldDescriptor.TYPE_ENUM:
                return self._enum_number(value)
        self._complain(_expected(field), value)
        return None

    def _enum_number(self, value: str | int) -> int | None:
        enum = self._field.enum_type
        found = enum.values_by_name.get(value) if isinstance(value, str) else enum.values_by_number.get(value)
        if found is None:
            names = [each.name for each in enum.values if each.number]
            self._report(self._where, f"there is no {value}{near_miss(str(value), names)}")
            return None
        number: int = found.number
        return number

    def _complain(self, expected: str, value: Any, where: str = "") -> None:
        self._report(where or self._where, f"must be {expected}, not {_shown(value)}")


def _expected(field: Any) -> str:
    if field.type in _INTEGERS:
        return "a whole number"
    if field.type in _REALS:
        return "a number"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return "true or false"
    return "a text"


def _shown(value: Any) -> str:
    match value:
        case Mapping():
            return "an object"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case None:
            return "null"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


CONFIG = "task_config"


class TaskReader:
    def __init__(
        self,
        path: str,
        problems: list[DefinitionProblem],
        read_block: Callable[[Iterable[WorkflowTask], str], TaskList],
    ) -> None:
        self.path = path
        self._problems = problems
        self._read_block = read_block

    def report(self, where: str, message: str) -> None:
        self._problems.append(DefinitionProblem(self.path, where, message))

    def template(self, text: str, where: str, parse: Callable[[str], Template] = parse_template) -> Template:
        try:
            return replace(parse(text), where=where)
        except ExpressionError as error:
            self.report(where, f"{text}: {error}")
            return Template(text, (text,), where)

    def templates(self, texts: Mapping[str, str], where: str) -> dict[str, Template]:
        # Maps of messages have no order of their own, and what is evaluated in order must have one.
        return {key: self.template(text, f"{CONFIG}.{where}.{key}") for key, text in sorted(texts.items())}

    def structure(self, config: Any, name: str) -> Any:
        """A field that is a structure, with templates in place of its texts; None where it is absent."""
        return self._structure(to_data(getattr(config, name)), f"{CONFIG}.{name}") if config.HasField(name) else None

    def block(self, tasks: Iterable[WorkflowTask], *steps: str) -> TaskList:
        """Tasks within this one; `steps` lead to them, such as the name of a branch."""
        return self._read_block(tasks, "/".join((self.path, *steps)))

    def _structure(self, value: Any, where: str) -> Any:
        match value:
            case str():
                return self.template(value, where)
            case dict():
                return {key: self._structure(item, f"{where}.{key}") for key, item in sorted(value.items())}
            case list():
                return [self._structure(item, f"{where}[{index}]") for index, item in enumerate(value)]
            case _:
                return value


Common = dict[str, Any]
"""The fields that tasks of all kinds have."""


def _set(config: messages.SetTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return SetTask(**common, variables=reader.templates(config.variables, "variables"))


def _http(config: messages.HttpCallTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return HttpTask(
        **common,
        method=config.method,
        uri=reader.template(config.endpoint.uri, f"{CONFIG}.endpoint.uri"),
        headers=reader.templates(config.headers, "headers"),
        body=reader.structure(config, "body"),
        timeout=config.timeout_seconds or DEFAULT_TIMEOUT,
    )


def _grpc(config: messages.GrpcCallTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return GrpcTask(**common, service=config.service, method=config.method, request=reader.structure(config, "request"))


def _activity(config: messages.CallActivityTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return ActivityTask(**common, activity=config.activity, input=reader.structure(config, "input"))


def _switch(config: messages.SwitchTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    cases = (
        SwitchCase(
            case.name,
            reader.template(case.when, f"{CONFIG}.cases[{index}].when", parse_condition) if case.when else None,
            case.then,
        )
        for index, case in enumerate(config.cases)
    )
    return SwitchTask(**common, cases=tuple(cases))


def _for(config: messages.ForTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    items = reader.template(getattr(config, "in"), f"{CONFIG}.in", parse_condition)
    return ForTask(**common, each=config.each, items=items, body=reader.block(config.do))


def _fork(config: messages.ForkTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    branches = (reader.block(branch.do, branch.name or f"[{index}]") for index, branch in enumerate(config.branches))
    return ForkTask(**common, branches=tuple(branches), compete=config.compete)


def _try(config: messages.TryTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    body = reader.block(getattr(config, "try"), "try")
    catch = reader.block(config.catch.do, "catch") if config.HasField("catch") else None
    return TryTask(**common, body=body, catch_as=getattr(config.catch, "as"), catch=catch)


def _listen(config: messages.ListenTaskConfig, _reader: TaskReader, common: Common) -> TaskDefinition:
    signals = (Signal(signal.id, signal.type) for signal in config.to.signals)
    return ListenTask(**common, mode=config.to.mode, signals=tuple(signals))


def _wait(config: messages.WaitTaskConfig, _reader: TaskReader, common: Common) -> TaskDefinition:
    return WaitTask(**common, seconds=config.seconds)


def _raise(config: messages.RaiseTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return RaiseTask(
        **common,
        error=reader.template(config.error, f"{CONFIG}.error"),
        message=reader.template(config.message, f"{CONFIG}.message"),
    )


def _run(config: messages.RunTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return RunTask(**common, workflow=config.workflow, input=reader.structure(config, "input"))


def _agent(config: messages.AgentCallTaskConfig, reader: TaskReader, common: Common) -> TaskDefinition:
    return AgentTask(
        **common,
        agent=config.agent,
        message=reader.template(config.message, f"{CONFIG}.message"),
        environment=reader.templates(config.env, "env"),
        model=config.config.model,
        timeout=config.config.timeout,
        temperature=config.config.temperature,
    )


Build = Callable[[Any, TaskReader, Common], TaskDefinition]

KINDS: dict[int, tuple[type[Message], Build]] = {
    WorkflowTaskKind.WORKFLOW_TASK_KIND_SET: (messages.SetTaskConfig, _set),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_HTTP_CALL: (messages.HttpCallTaskConfig, _http),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_GRPC_CALL: (messages.GrpcCallTaskConfig, _grpc),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_CALL_ACTIVITY: (messages.CallActivityTaskConfig, _activity),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_SWITCH: (messages.SwitchTaskConfig, _switch),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_FOR: (messages.ForTaskConfig, _for),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_FORK: (messages.ForkTaskConfig, _fork),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_TRY: (messages.TryTaskConfig, _try),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_LISTEN: (messages.ListenTaskConfig, _listen),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_WAIT: (messages.WaitTaskConfig, _wait),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_RAISE: (messages.RaiseTaskConfig, _raise),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_RUN: (messages.RunTaskConfig, _run),
    WorkflowTaskKind.WORKFLOW_TASK_KIND_AGENT_CALL: (messages.AgentCallTaskConfig, _agent),
}


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """A task as it came, for the rules of its message."""

    path: str
    task: WorkflowTask
    config: Message | None


@dataclass(slots=True)
class Reading:
    definition: Definition
    problems: list[DefinitionProblem] = field(default_factory=list)
    messages: list[TaskMessage] = field(default_factory=list)


def read(spec: WorkflowSpec) -> Reading:
    """Checks what it takes to read a definition: keys, types, the form of expressions. `validation` checks the rest."""
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
        config_type, build = KINDS[task.kind]
        config = config_type()
        self.messages.append(TaskMessage(path, task, config))
        read_config(to_data(task.task_config), config, CONFIG, reader.report)
        return build(config, reader, common)
