"""YAML 1.2 with core types (`on`, `no`, `12:30` are strings), without duplicate keys and alias bombs.

Remembers the line and column of every value for error messages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from stigmer_tui.core.errors import StigmerError, as_text

Path = tuple[str | int, ...]

MAX_NODES = 100_000
"""Values in one document; an alias counts each time it is used."""

MAX_DEPTH = 100
"""Levels of nested lists and mappings."""

MAX_DIGITS = 1000
"""Digits of a number, which bounds the time to parse it."""

_TAG = "tag:yaml.org,2002:"


CORE_TYPES = {
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
"""Pattern and first characters of each type that a plain scalar can have (https://yaml.org/spec/1.2.2/, 10.3.2)."""


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - how PyYAML wants to be told


for _name, (_pattern, _first) in CORE_TYPES.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), list(_first))


@dataclass(slots=True)
class Document:
    """A value, and the line and column (from 1) of each part of it."""

    source: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    columns: dict[Path, int] = field(default_factory=dict)

    def where(self, *path: str | int) -> str:
        """`Stigmer.yaml:4:1` for the value at this path, or for the nearest one around it."""
        line, column = self.position(*path)
        return f"{self.source}:{line}:{column}"

    def position(self, *path: str | int) -> tuple[int, int]:
        """Line and column of the value at this path, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1), self.columns.get(path, 1)


class InvalidYaml(StigmerError):  # noqa: N818 - as other refusals are named
    def __init__(self, source: str, problem: str, mark: yaml.Mark | None) -> None:
        self.problem = problem
        self.line, self.column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        super().__init__(f"{source}:{self.line}:{self.column} {problem}")


def read_yaml(text: str, source: str) -> Document:
    """Raises StigmerError with file and line for invalid YAML, or YAML beyond the limits above."""
    documents = _read(text, source, lambda: [yaml.compose(text, Loader=_Loader)])
    return documents[0] if documents else Document(source)


def read_yaml_documents(text: str, source: str) -> list[Document]:
    """As `read_yaml`, for a text of several documents; those without a value are left out."""
    return _read(text, source, lambda: list(yaml.compose_all(text, Loader=_Loader)))


def _read(text: str, source: str, compose: Callable[[], list[yaml.Node | None]]) -> list[Document]:
    as_text(text, source)
    try:
        # Before composing, which recurses in C for each level.
        _check_depth(text, source)
        nodes = compose()
    except yaml.MarkedYAMLError as error:
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise InvalidYaml(source, f"is not valid YAML: {problem}", error.problem_mark) from error
    except yaml.YAMLError as error:
        raise StigmerError(f"{source} is not valid YAML: {error}") from error
    documents = []
    for node in filter(None, nodes):
        document = Document(source)
        document.value = _Builder(document).build(node, ())
        documents.append(document)
    return documents


def _check_depth(text: str, source: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise StigmerError(f"{_place(source, event)} is nested more than {MAX_DEPTH} levels deep")


def _place(source: str, part: yaml.Event | yaml.Node) -> str:
    mark = part.start_mark
    return f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else f"{source}:1:1"


class _Builder:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._visited = 0
        self._open: list[yaml.Node] = []

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._visited += 1
        if self._visited > MAX_NODES:
            raise StigmerError(f"{self._place(node)} unfolds to more than {MAX_NODES} values")
        if any(node is ancestor for ancestor in self._open):
            raise StigmerError(f"{self._place(node)} contains itself through an alias")
        self._document.lines[path] = node.start_mark.line + 1
        self._document.columns[path] = node.start_mark.column + 1
        self._open.append(node)
        try:
            match node:
                case yaml.MappingNode():
                    return dict(self._items(node, path))
                case yaml.SequenceNode():
                    return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
                case yaml.ScalarNode():
                    return self._scalar(node)
                case _:
                    raise TypeError(f"no YAML node: {node!r}")
        finally:
            self._open.pop()

    def _items(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[Any, Any]]:
        seen: set[Any] = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise StigmerError(f"{self._place(key_node)} has a key that is not a plain value")
            key = self._scalar(key_node)
            if key in seen:
                raise StigmerError(f"{self._place(key_node)} has the key {key!r} twice")
            seen.add(key)
            value = self.build(value_node, (*path, key))
            self._document.lines[(*path, key)] = key_node.start_mark.line + 1
            self._document.columns[(*path, key)] = key_node.start_mark.column + 1
            yield key, value

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if len(node.value) > MAX_DIGITS and node.tag in (f"{_TAG}int", f"{_TAG}float"):
            raise StigmerError(f"{self._place(node)} has a number of more than {MAX_DIGITS} digits")
        return _scalar(node)

    def _place(self, node: yaml.Node) -> str:
        return _place(self._document.source, node)


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        case "float":
            return float(text.replace(".", "", 1) if text.lower().endswith(("inf", "nan")) else text)
        case _:
            return text
