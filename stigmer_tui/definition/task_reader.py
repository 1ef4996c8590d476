"""Reads the parts of one task: its templates and the tasks within it, with every problem noted under its path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from stigmer_tui.api.structs import to_data
from stigmer_tui.api.workflow_pb2 import WorkflowTask
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.problems import DefinitionProblem
from stigmer_tui.definition.tasks import TaskList
from stigmer_tui.definition.templates import Template, parse_template

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
