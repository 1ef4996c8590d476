"""Stigmer.yaml, which makes a folder a project (`docs/compatibility.md` 140)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.run_limits import NAMES, NONE, RunLimits, parse_limits

if TYPE_CHECKING:
    from stigmer_tui.core.yaml_text import Document

FILE_NAME = "Stigmer.yaml"


class Runtime(StrEnum):
    """The language of a project."""

    PYTHON = "python"
    GO = "go"
    YAML = "yaml"
    """No code: the manifests themselves are the project."""
    COMMAND = "command"
    """Any language: a program that writes manifests."""

    @property
    def suffix(self) -> str:
        """The suffix of the entry file; empty where there need not be one."""
        return {Runtime.PYTHON: ".py", Runtime.GO: ".go"}.get(self, "")


@dataclass(frozen=True, slots=True)
class ProjectKey:
    """A key of Stigmer.yaml."""

    name: str
    help: str
    """A sentence or two, in Markdown."""
    default: str = ""
    """The value where the key is left out, in Markdown."""
    example: str = ""
    """A value for a required key; empty for an optional one."""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": ["string", "number"]})
    """The JSON schema of its value."""


NAME = ProjectKey("name", "The project; what it deploys carries this name.", example="my-project")
RUNTIME = ProjectKey(
    "runtime",
    "`python`, `go` for projects of the existing Go SDK, `yaml` for manifests without code, or `command` for a program"
    " in any language.",
    example="python",
    schema={"enum": [str(runtime) for runtime in Runtime]},
)
MAIN = ProjectKey(
    "main",
    "The entry file, relative to the folder; with `yaml` a file of manifests, or a folder of such files.",
    default="`main.py`, `main.go`; with `yaml` the folder itself",
)
COMMAND = ProjectKey(
    "command",
    "With `runtime: command`, the program and its arguments as a list, such as `[node, main.js]`; it is run in the"
    " folder.",
    schema={"type": "array", "items": {"type": "string"}, "minItems": 1},
)
VERSION = ProjectKey("version", "Shown only.")
ORGANIZATION = ProjectKey(
    "organization", "Where the resources are deployed; `--org` wins.", default="that of the configuration"
)
APPROVE = ProjectKey(
    "approve",
    "Tools whose calls wait for a person's approval, in runs of its agents: a list of names, or `all`; a run's"
    " `--approve` wins.",
    default="that of the configuration",
    schema={"type": ["string", "array"], "items": {"type": "string"}},
)

LIMITS = ProjectKey(
    "limits",
    "Where each run of an agent ends: `{steps: 20, time: 5m, tokens: 200k, cost: 0.50}`, as far as given; "
    "`run --limit` wins.",
    default="those of the configuration",
    schema={
        "type": "object",
        "properties": {
            "steps": {"type": "integer", "minimum": 1},
            **{name: {"type": ["number", "string"]} for name in NAMES if name != "steps"},
        },
        "additionalProperties": False,
    },
)

KEYS = (NAME, RUNTIME, MAIN, COMMAND, VERSION, ORGANIZATION, APPROVE, LIMITS)
"""All keys of Stigmer.yaml; the reference is generated from them."""


@dataclass(frozen=True, slots=True)
class Project:
    """The content of a Stigmer.yaml."""

    folder: Path
    name: str
    """Empty for manifests that belong to no project."""
    runtime: Runtime
    main: Path
    """The entry file, absolute; of manifests, a file or a folder; of a command, the folder."""
    command: tuple[str, ...] = ()
    """Of the runtime `command`: the program and its arguments."""
    version: str = ""
    organization: str = ""
    """Where its resources are deployed, unless the command line names another; may be empty."""
    approve: str = ""
    """The tools of its agents that wait for approval, as `ApprovalPolicy.parse` reads it; may be empty."""
    approve_place: str = ""
    """Where that stands, such as `Stigmer.yaml:4`."""
    limits: RunLimits = NONE
    """Of each run of its agents, unless the command line says otherwise."""
    warnings: tuple[str, ...] = ()
    """What is in the file and means nothing."""


def is_project(folder: Path) -> bool:
    """Whether the folder holds a file of exactly this name, even on a file system that ignores case."""
    try:
        return any(path.name == FILE_NAME for path in folder.iterdir())
    except OSError:
        return False


def of_manifests(path: Path, folder: Path) -> Project:
    """Manifests that belong to no project: a file, a folder, or `-`. `folder` is what messages are relative to."""
    return Project(folder, name="", runtime=Runtime.YAML, main=path)


def load_project(folder: Path) -> Project:
    """Reads a project's Stigmer.yaml. Raises StigmerError, with file and line, for one that is missing or not valid."""
    folder = folder.absolute()
    path = folder / FILE_NAME
    if not is_project(folder):
        raise StigmerError(f"No {FILE_NAME} found in {folder}", "stigmer-tui new NAME makes a project.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StigmerError(f"Cannot read {path}: {error}") from error
    from stigmer_tui.core.yaml_text import read_yaml

    document = read_yaml(text, FILE_NAME)
    if not isinstance(document.value, dict):
        raise StigmerError(f"{FILE_NAME} must hold keys such as name and runtime", "Begin with: name: my-project")
    runtime = _runtime(document)
    main = folder / (_text(document, MAIN) or (f"main{runtime.suffix}" if runtime.suffix else ""))
    if runtime.suffix and main.suffix != runtime.suffix:
        where = document.where(MAIN.name)
        raise StigmerError(f"{where} main is {main.name}, but a {runtime} project begins in a {runtime.suffix} file")
    return Project(
        folder=folder,
        name=_required(document, NAME),
        runtime=runtime,
        main=main,
        command=_command(document) if runtime is Runtime.COMMAND else (),
        version=_text(document, VERSION),
        organization=_text(document, ORGANIZATION),
        approve=_approve(document),
        approve_place=document.where(APPROVE.name),
        limits=_limits(document),
        warnings=tuple(_unknown_keys(document)),
    )


def _unknown_keys(document: Document) -> Iterator[str]:
    known = [key.name for key in KEYS]
    for name in document.value:
        if name not in known:
            from stigmer_tui.definition.problems import near_miss

            line, column = document.position(name)
            yield f"{document.source}:{line}:{column} there is no key {name}{near_miss(str(name), known)}"


def _runtime(document: Document) -> Runtime:
    text = _required(document, RUNTIME)
    try:
        return Runtime(text)
    except ValueError:
        *others, last = Runtime
        choices = f"{', '.join(others)} and {last}"
        raise StigmerError(f"{document.where(RUNTIME.name)} runtime is {text!r}", f"There are {choices}.") from None


def _command(document: Document) -> tuple[str, ...]:
    value = document.value.get(COMMAND.name)
    where = document.where(COMMAND.name)
    if not isinstance(value, list) or not value or any(isinstance(part, dict | list | None) for part in value):
        advice = "Such as: command: [node, main.js]"
        raise StigmerError(f"{where} command must be a list of a program and its arguments", advice)
    return tuple(map(str, value))


def _approve(document: Document) -> str:
    """A list of names, or the same as a text with commas between them."""
    value = document.value.get(APPROVE.name)
    is_list = isinstance(value, list) and not any(isinstance(name, dict | list) for name in value)
    text = ",".join(map(str, value)) if is_list else _text(document, APPROVE)
    if text:
        from stigmer_tui.core.approval_policy import ApprovalPolicy

        ApprovalPolicy.parse(text, f"{document.where(APPROVE.name)} {APPROVE.name}")
    return text


def _limits(document: Document) -> RunLimits:
    values = document.value.get(LIMITS.name)
    if values is None:
        return NONE
    where = document.where(LIMITS.name)
    if not isinstance(values, dict):
        raise StigmerError(f"{where} limits must hold {', '.join(NAMES)}", "Such as: limits: {time: 5m, cost: 0.50}")
    return parse_limits(values, f"{where} ")


def _required(document: Document, key: ProjectKey) -> str:
    text = _text(document, key)
    if not text:
        where = document.where(key.name)
        raise StigmerError(f"{where} {key.name} is missing", f"Add a line such as: {key.name}: {key.example}")
    return text


def _text(document: Document, key: ProjectKey) -> str:
    value = document.value.get(key.name)
    if isinstance(value, dict | list):
        raise StigmerError(f"{document.where(key.name)} {key.name} must be a text")
    return "" if value is None else str(value).strip()
