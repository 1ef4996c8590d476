"""Stigmer.yaml, which makes a folder a project (`docs/compatibility.md` 140)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import PROJECT_FILE
from stigmer_tui.core.run_limits import NAMES, NONE, RunLimits, parse_limits
from stigmer_tui.core.watch_rules import USUAL, Queueing, WatchRules, When
from stigmer_tui.project.project_keys import (
    APPROVE,
    COMMAND,
    ENGINE,
    ENV_FILES,
    ENVIRONMENT,
    KEYS,
    LIMITS,
    MAIN,
    MESSAGE,
    NAME,
    ORGANIZATION,
    RUNTIME,
    TESTS,
    VERSION,
    WATCH,
    ProjectKey,
    Runtime,
)

if TYPE_CHECKING:
    from stigmer_tui.core.yaml_text import Document

FILE_NAME = PROJECT_FILE
DEFAULT_ENV_FILE = ".env"
DEFAULT_TESTS = "tests"

_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
Choice = TypeVar("Choice", bound=StrEnum)


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
    message: str = ""
    """What a run is started with that is given none."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of its runs."""
    env_files: tuple[Path, ...] = ()
    """Absolute; later ones win. They need not be there."""
    watch: WatchRules = USUAL
    approve: str = ""
    """The tools of its agents that wait for approval, as `ApprovalPolicy.parse` reads it; may be empty."""
    approve_place: str = ""
    """Where that stands, such as `Stigmer.yaml:4:1`."""
    limits: RunLimits = NONE
    """Of each run of its agents, unless the command line says otherwise."""
    tests: str = DEFAULT_TESTS
    """The folder of its tests, relative to its own."""
    warnings: tuple[str, ...] = ()
    """What is in the file and means nothing."""


def is_project(folder: Path) -> bool:
    """Whether the folder holds a file of exactly this name, even on a file system that ignores case."""
    try:
        return any(path.name == FILE_NAME for path in folder.iterdir())
    except OSError:
        return False


def find_project(folder: Path) -> Path | None:
    """The nearest project: this folder, or one of those around it."""
    folder = folder.absolute()
    return next(filter(is_project, (folder, *folder.parents)), None)


def project_folder(folder: Path) -> Path:
    """That of the nearest project; where there is none, this folder."""
    return find_project(folder) or folder


def tests_folder(folder: Path) -> Path:
    """Of the project in a folder; elsewhere where it would be."""
    return folder / (load_project(folder).tests if is_project(folder) else DEFAULT_TESTS)


def of_manifests(path: Path, folder: Path) -> Project:
    """Manifests that belong to no project: a file, a folder, or `-`. `folder` is what messages are relative to."""
    return Project(folder, name="", runtime=Runtime.YAML, main=path)


def load_project(folder: Path) -> Project:
    """Reads a project's Stigmer.yaml. Raises StigmerError, with its place, for one that is missing or not valid."""
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
    return _Reader(document, folder).project()


class _Reader:
    """Every refusal has its line and column."""

    def __init__(self, document: Document, folder: Path) -> None:
        self._document = document
        self._folder = folder

    def project(self) -> Project:
        runtime = self._runtime()
        self._one_of(ENGINE.name, *ENGINE.schema["enum"])
        return Project(
            folder=self._folder,
            name=self._required(NAME),
            runtime=runtime,
            main=self._main(runtime),
            command=self._command() if runtime is Runtime.COMMAND else (),
            version=self._text(VERSION),
            organization=self._text(ORGANIZATION),
            message=self._text(MESSAGE),
            environment=self._environment(),
            env_files=tuple(self._folder / name for name in self._env_files()),
            watch=self._watch(),
            approve=self._approve(),
            approve_place=self._document.where(APPROVE.name),
            limits=self._limits(),
            tests=self._text(TESTS) or DEFAULT_TESTS,
            warnings=(*self._unknown_keys(), *self._missing_env_files()),
        )

    def _unknown_keys(self) -> Iterator[str]:
        known = [key.name for key in KEYS]
        for name in self._document.value:
            if name not in known:
                from stigmer_tui.definition.problems import near_miss

                yield f"{self._document.where(name)} there is no key {name}{near_miss(str(name), known)}"

    def _runtime(self) -> Runtime:
        self._required(RUNTIME)
        return Runtime(self._one_of(RUNTIME.name, *Runtime))

    def _main(self, runtime: Runtime) -> Path:
        main = self._folder / (self._text(MAIN) or (f"main{runtime.suffix}" if runtime.suffix else ""))
        if runtime.suffix and main.suffix != runtime.suffix:
            problem = f"main is {main.name}, but a {runtime} project begins in a {runtime.suffix} file"
            self._refuse(problem, "", MAIN.name)
        return main

    def _command(self) -> tuple[str, ...]:
        value = self._document.value.get(COMMAND.name)
        if not isinstance(value, list) or not value or any(isinstance(part, dict | list | None) for part in value):
            advice = "Such as: command: [node, main.js]"
            self._refuse("command must be a list of a program and its arguments", advice, COMMAND.name)
        return tuple(map(str, value))

    def _environment(self) -> dict[str, str]:
        values = self._mapping(ENVIRONMENT, "variables by their names", "Such as: environment: {REGION: eu}")
        found = {}
        for name, value in values.items():
            if not _VARIABLE.fullmatch(str(name)):
                advice = "Use capital letters, digits and underscores."
                self._refuse(f"{name!r} is not a valid variable name", advice, ENVIRONMENT.name, name)
            if isinstance(value, dict | list):
                self._refuse(f"{name} must be a text", "", ENVIRONMENT.name, name)
            if value is not None:
                found[str(name)] = value if isinstance(value, str) else json.dumps(value)
        return found

    def _env_files(self) -> list[str]:
        value = self._document.value.get(ENV_FILES.name)
        names = [DEFAULT_ENV_FILE] if value is None else value if isinstance(value, list) else [value]
        for index, name in enumerate(names):
            if not isinstance(name, str) or not name:
                self._refuse("env_files is a list of files", "Such as: env_files: [.env]", ENV_FILES.name, index)
        return names

    def _missing_env_files(self) -> Iterator[str]:
        """Of those that are named: a colleague may not have made them yet."""
        if self._document.value.get(ENV_FILES.name) is not None:
            for index, name in enumerate(self._env_files()):
                if not (self._folder / name).is_file():
                    yield f"{self._document.where(ENV_FILES.name, index)} there is no file {name}"

    def _watch(self) -> WatchRules:
        known = list(WATCH.schema["properties"])
        for name in self._mapping(WATCH, " and ".join(known), "Such as: watch: {when: changed}"):
            if name not in known:
                from stigmer_tui.definition.problems import near_miss

                advice = f"It holds {' and '.join(known)}."
                self._refuse(f"watch has no {name}{near_miss(str(name), known)}", advice, WATCH.name, name)
        when = self._one_of("when", *When, within=WATCH) or When.CHANGED
        queueing = self._one_of("queueing", *Queueing, within=WATCH) or Queueing.RESTART
        return WatchRules(When(when), Queueing(queueing))

    def _approve(self) -> str:
        """A list of names, or the same as a text with commas between them."""
        value = self._document.value.get(APPROVE.name)
        is_list = isinstance(value, list) and not any(isinstance(name, dict | list) for name in value)
        text = ",".join(map(str, value)) if is_list else self._text(APPROVE)
        if text:
            from stigmer_tui.core.approval_policy import ApprovalPolicy

            ApprovalPolicy.parse(text, f"{self._document.where(APPROVE.name)} {APPROVE.name}")
        return text

    def _limits(self) -> RunLimits:
        values = self._mapping(LIMITS, ", ".join(NAMES), "Such as: limits: {time: 5m, cost: 0.50}")
        limits = NONE
        for name, value in values.items():
            limits = parse_limits({name: value}, f"{self._document.where(LIMITS.name, name)} ").over(limits)
        return limits

    def _mapping(self, key: ProjectKey, of: str, advice: str) -> dict[Any, Any]:
        value = self._document.value.get(key.name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._refuse(f"{key.name} must hold {of}", advice, key.name)
        return value

    def _one_of(self, name: str, *choices: str, within: ProjectKey | None = None) -> str:
        """Empty where nothing is said."""
        path = (within.name, name) if within else (name,)
        values = self._document.value.get(within.name) or {} if within else self._document.value
        value = values.get(name)
        if value is not None and value not in choices:
            *others, last = choices
            advice = f"There are {', '.join(others)} and {last}." if others else f"There is {last}."
            self._refuse(f"{name} is {value!r}", advice, *path)
        return value or ""

    def _required(self, key: ProjectKey) -> str:
        text = self._text(key)
        if not text:
            self._refuse(f"{key.name} is missing", f"Add a line such as: {key.name}: {key.example}", key.name)
        return text

    def _text(self, key: ProjectKey) -> str:
        value = self._document.value.get(key.name)
        if isinstance(value, dict | list):
            self._refuse(f"{key.name} must be a text", "", key.name)
        return "" if value is None else str(value).strip()

    def _refuse(self, problem: str, advice: str, *path: str | int) -> NoReturn:
        raise StigmerError(f"{self._document.where(*path)} {problem}", advice)
