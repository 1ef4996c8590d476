"""Reads the configuration of a task strictly as the message of its kind, and reports every problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from stigmer_tui.api.structs import to_data, to_struct
from stigmer_tui.api.workflow_pb2 import WorkflowTask
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.problems import DefinitionProblem, near_miss
from stigmer_tui.definition.tasks import TaskList
from stigmer_tui.definition.templates import Template, parse_template

Report = Callable[[str, str], None]
"""Takes a field of the task, such as `task_config.endpoint.uri`, and the problem there."""

_INTEGERS = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64}
_REALS = {FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE}


def read_config(data: Mapping[str, Any], message: Message, where: str, report: Report) -> None:
    """Fills a message. Keys may have both spellings, and null counts as absent. All problems are reported."""
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
    """Reads the parts of one task, and collects their problems."""

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
        """Adds a problem of a field."""
        self._problems.append(DefinitionProblem(self.path, where, message))

    def template(self, text: str, where: str, parse: Callable[[str], Template] = parse_template) -> Template:
        """The template of a text in a field. One that is not valid is reported and taken literally."""
        try:
            return replace(parse(text), where=where)
        except ExpressionError as error:
            self.report(where, f"{text}: {error}")
            return Template(text, (text,), where)

    def templates(self, texts: Mapping[str, str], where: str) -> dict[str, Template]:
        """The templates of a map of texts, sorted by key."""
        # Maps of messages have no order, but evaluation needs one.
        return {key: self.template(text, f"{CONFIG}.{where}.{key}") for key, text in sorted(texts.items())}

    def structure(self, config: Any, name: str) -> Any:
        """A structured field with templates in place of its texts; None if it is absent."""
        return self._structure(to_data(getattr(config, name)), f"{CONFIG}.{name}") if config.HasField(name) else None

    def block(self, tasks: Iterable[WorkflowTask], *steps: str) -> TaskList:
        """Nested tasks. `steps` follow the path of this task, such as the name of a branch."""
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
"""The fields that all kinds of tasks have."""
