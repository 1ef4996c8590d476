"""Manifests that people write: YAML files with any number of documents, each a resource.

Names are those of protobuf JSON (`skillMd`) or of the protos (`skill_md`). Every problem has its file, line and column.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from stigmer_tui.api.api_resource_pb2 import ApiResourceOwnerScope, ApiResourceReference
from stigmer_tui.api.kinds import API_VERSION, AUTHORED, ENVIRONMENT, SKILL
from stigmer_tui.api.skill_pb2 import Skill
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.ids import slug_of
from stigmer_tui.core.yaml_text import Document, InvalidYaml, read_yaml_documents
from stigmer_tui.definition import extensions
from stigmer_tui.definition.problems import near_miss
from stigmer_tui.definition.skill_text import FILE as SKILL_FILE
from stigmer_tui.project.manifest_checks import YamlPath, broken_rules
from stigmer_tui.project.places import Place
from stigmer_tui.project.runtimes import SynthesisError

STANDARD_INPUT = Path("-")
SUFFIXES = (".yaml", ".yml")
FOR_PROJECTS = "Stigmer.yaml"

KINDS = {kind.name: kind for kind in AUTHORED}


@dataclass(frozen=True, slots=True)
class ManifestProblem:
    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place} {self.message}"


@dataclass(frozen=True, slots=True)
class PlacedResource:
    """A resource, and where it begins."""

    resource: Any
    """The message of one of `KINDS`."""
    place: Place


def read_manifest_files(path: Path, folder: Path, base: Path | None = None) -> list[PlacedResource]:
    """The resources of a file, of the files in a folder (by name, without folders in it), or of standard input.

    `folder` is what paths in messages are relative to, `base` what those in the manifests are: without it, the folder
    of the file. Raises SynthesisError with all problems, the first one first.
    """
    found = _Found()
    for file in _files(path):
        shown = file.relative_to(folder) if file.is_relative_to(folder) else file
        found.add(_text_of(file, shown), shown, base or file.parent)
    return found.resources_or_problems()


def read_manifest_text(text: str, name: str, folder: Path) -> list[Message]:
    """As `read_manifest_files`, of a text; `folder` is what paths in it are relative to."""
    found = _Found()
    found.add(text, Path(name), folder)
    return [placed.resource for placed in found.resources_or_problems()]


@dataclass(slots=True)
class _Found:
    resources: list[PlacedResource] = field(default_factory=list)
    problems: list[ManifestProblem] = field(default_factory=list)

    def add(self, text: str, shown: Path, folder: Path) -> None:
        for document in _documents(text, shown):
            reader = _DocumentReader(document, shown, folder)
            resource = reader.read()
            self.problems += reader.problems
            if resource is not None:
                self.resources.append(PlacedResource(resource, Place(shown, *document.position())))

    def resources_or_problems(self) -> list[PlacedResource]:
        if self.problems:
            first, *others = self.problems
            advice = "\n".join(map(str, others))
            raise SynthesisError(first.message, advice, *first.place)
        return self.resources


def _files(path: Path) -> Sequence[Path]:
    if path == STANDARD_INPUT:
        return [path]
    try:
        if not path.is_dir():
            return [path]
        found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and file.name[0] != ".")
    except OSError as error:
        raise SynthesisError(f"{path} cannot be read: {error.strerror}") from error
    files = [file for file in found if file.name != FOR_PROJECTS and file.is_file()]
    if not files:
        raise SynthesisError(f"{path} holds no manifests", "Manifests are files whose names end in .yaml or .yml.")
    return files


def _text_of(file: Path, shown: Path) -> str:
    try:
        return sys.stdin.read() if file == STANDARD_INPUT else file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SynthesisError(f"{shown} is not UTF-8 text: {error.reason}") from error
    except OSError as error:
        raise SynthesisError(f"{shown} cannot be read: {error.strerror}") from error


def _documents(text: str, shown: Path) -> list[Document]:
    try:
        return read_yaml_documents(text, str(shown))
    except InvalidYaml as error:
        raise SynthesisError(error.problem, "", shown, error.line, error.column) from error
    except StigmerError as error:
        raise SynthesisError(error.message, error.advice) from error


class _DocumentReader:
    def __init__(self, document: Document, file: Path, folder: Path) -> None:
        """`folder` is what paths in the manifest are relative to."""
        self._document = document
        self._file = file
        self._folder = folder
        self.problems: list[ManifestProblem] = []

    def read(self) -> Message | None:
        """None where there are problems."""
        data = self._document.value
        if not isinstance(data, dict):
            self._report((), "a manifest has keys such as kind, metadata and spec")
            return None
        kind = KINDS.get(data["kind"]) if isinstance(data.get("kind"), str) else None
        if kind is None:
            given = data.get("kind")
            problem = f"there is no kind {given!r}: it is" if given else "kind is missing: it is"
            self._report(("kind",), f"{problem} one of {', '.join(KINDS)}")
            return None
        resource: Any = kind.message()
        self._fill(resource, {key: value for key, value in data.items() if key != "status"}, ())
        resource.api_version = resource.api_version or API_VERSION
        self._complete(resource)
        if not self.problems:
            for path, message in broken_rules(resource, data):
                self._report(path, message)
        return None if self.problems else resource

    def _complete(self, resource: Any) -> None:
        """What follows from the kind need not be written."""
        metadata = resource.metadata
        metadata.name = metadata.name or metadata.slug
        if not slug_of(metadata.slug or metadata.name):
            self._report(("metadata", "name"), "metadata.name is missing: it has at least one letter or digit")
        metadata.owner_scope = metadata.owner_scope or ApiResourceOwnerScope.organization
        for name, kind in (("skill_refs", SKILL), ("environment_refs", ENVIRONMENT), ("env_refs", ENVIRONMENT)):
            references: Sequence[ApiResourceReference] = getattr(resource.spec, name, ())
            for reference in references:
                reference.kind = reference.kind or kind.number
        self._read_script(metadata.annotations)
        if isinstance(resource, Skill) and (name := metadata.annotations.get(extensions.SKILL_FOLDER, "")):
            self._read_skill(resource, name)

    def _read_skill(self, skill: Skill, name: str) -> None:
        folder = (self._folder / name).absolute()
        try:
            skill.spec.skill_md = (folder / SKILL_FILE).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            place = ("metadata", "annotations", extensions.SKILL_FOLDER)
            self._report(place, f"{name}/{SKILL_FILE} cannot be read: {reason}")
        skill.metadata.annotations[extensions.SKILL_FOLDER] = str(folder)

    def _read_script(self, annotations: Any) -> None:
        name = annotations.get(extensions.SCRIPT_FILE, "")
        if not name or extensions.SCRIPT in annotations:
            return
        try:
            annotations[extensions.SCRIPT] = (self._folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self._report(("metadata", "annotations", extensions.SCRIPT_FILE), f"{name} cannot be read: {reason}")

    def _fill(self, message: Message, data: dict[Any, Any], path: YamlPath) -> None:
        for key, value in data.items():
            place = (*path, key)
            field = _field(message, key)
            if field is None:
                self._report(place, f"{_name(message)} has no field {key}{near_miss(str(key), _names(message))}")
            elif value is not None:
                self._set(message, field, value, place)

    def _set(self, message: Message, field: FieldDescriptor, value: Any, path: YamlPath) -> None:
        if field.message_type is None or field.message_type.full_name.startswith("google.protobuf."):
            self._parse(message, field, value, path)
        elif _is_map(field):
            self._set_map(message, field, value, path)
        elif field.is_repeated:
            if not isinstance(value, list):
                self._report(path, f"{field.name} is a list: each item begins with a hyphen")
                return
            for index, item in enumerate(value):
                self._fill_checked(getattr(message, field.name).add(), item, (*path, index))
        else:
            target = getattr(message, field.name)
            target.SetInParent()
            self._fill_checked(target, value, path)

    def _set_map(self, message: Message, field: Any, value: Any, path: YamlPath) -> None:
        if not isinstance(value, dict):
            self._report(path, f"{field.name} has names and values")
            return
        if field.message_type.fields_by_name["value"].message_type is None:
            for key, item in value.items():
                self._parse(message, field, {key: item}, (*path, key))
            return
        entries = getattr(message, field.name)
        for key, item in value.items():
            self._fill_checked(entries[str(key)], item, (*path, key))

    def _fill_checked(self, message: Message, value: Any, path: YamlPath) -> None:
        if isinstance(value, dict):
            self._fill(message, value, path)
        else:
            self._report(path, f"{path[-1]} has fields of its own: {', '.join(_names(message))}")

    def _parse(self, message: Message, field: FieldDescriptor, value: Any, path: YamlPath) -> None:
        try:
            # Not into the message itself: that would forget the other entries of a map.
            message.MergeFrom(ParseDict({field.name: value}, type(message)()))
        except ParseError as error:
            self._report(path, _reason(field, value, error))
        except (TypeError, ValueError) as error:
            self._report(path, f"{field.name} cannot be {value!r}: {error}")

    def _report(self, path: YamlPath, message: str) -> None:
        self.problems.append(ManifestProblem(Place(self._file, *self._document.position(*path)), message))


def _field(message: Message, key: object) -> FieldDescriptor | None:
    fields: Any = message.DESCRIPTOR.fields
    return next((field for field in fields if key in (field.name, field.json_name)), None)


def _names(message: Message) -> Iterator[str]:
    return (field.json_name for field in message.DESCRIPTOR.fields)


def _name(message: Message) -> str:
    return message.DESCRIPTOR.name


def _is_map(field: FieldDescriptor) -> bool:
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def _reason(field: FieldDescriptor, value: object, error: ParseError) -> str:
    if field.enum_type is not None:
        names = [one.name for one in field.enum_type.values if one.number]
        return f"{field.name} cannot be {value!r}{near_miss(str(value), names) or ': one of ' + ', '.join(names)}"
    expected = {FieldDescriptor.CPPTYPE_STRING: "a text", FieldDescriptor.CPPTYPE_BOOL: "true or false"}
    if field.cpp_type in expected:
        return f"{field.name} is {expected[field.cpp_type]}, not {value!r}"
    return f"{field.name} cannot be {value!r}: {str(error).rstrip('.')}"
