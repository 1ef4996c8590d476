"""The rules that a manifest breaks, each with the way to the value in it that breaks them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from stigmer_tui.api.validation import violations
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.definition.problems import InvalidDefinition
from stigmer_tui.definition.validation import parse

YamlPath = tuple[str | int, ...]

_PART = re.compile(r"[^.\[\]]+")


def broken_rules(resource: Message, data: Any) -> Iterator[tuple[YamlPath, str]]:
    """The way to the value, or to what should hold it, and what is wrong. `data` is what was read from YAML."""
    seen_tasks = False
    if isinstance(resource, Workflow):
        try:
            parse(resource.spec)
        except InvalidDefinition as error:
            seen_tasks = True
            for problem in error.problems:
                way = _way_to_task(data, problem.path)
                rest = _way(_at(data, way), problem.field)
                yield (*way, *rest), str(problem)
    for text in violations(resource):
        if not (seen_tasks and text.startswith("spec.")):
            yield _way(data, text.partition(": ")[0]), text


def _way_to_task(data: Any, path: str) -> YamlPath:
    """To a task such as `/eachOrder/charge`; lists may stand at any depth between the two."""
    way: YamlPath = ("spec",)
    for name in filter(None, path.split("/")):
        way = next(_tasks_named(_at(data, way), name, way), way)
    return way


def _tasks_named(data: Any, name: str, way: YamlPath, depth: int = 0) -> Iterator[YamlPath]:
    if isinstance(data, list):
        for index, item in enumerate(data):
            if isinstance(item, dict) and item.get("name") == name and "kind" in item:
                yield (*way, index)
            elif depth and isinstance(item, dict):
                yield from _tasks_named(item, name, (*way, index), depth)
    elif isinstance(data, dict):
        for key, item in data.items():
            yield from _tasks_named(item, name, (*way, key), depth + 1)


def _way(data: Any, field: str) -> YamlPath:
    """To a field such as `spec.tasks[2].task_config`, as far as it is there."""
    way: YamlPath = ()
    for part in _PART.findall(field):
        match data:
            case dict():
                key = next((key for key in (part, _json_name(part)) if key in data), None)
                if key is None:
                    break
                way, data = (*way, key), data[key]
            case list() if part.isdigit() and int(part) < len(data):
                way, data = (*way, int(part)), data[int(part)]
            case _:
                break
    return way


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def _at(data: Any, way: YamlPath) -> Any:
    for part in way:
        match data:
            case dict():
                data = data.get(part)
            case list() if isinstance(part, int):
                data = data[part]
            case _:
                return None
    return data
