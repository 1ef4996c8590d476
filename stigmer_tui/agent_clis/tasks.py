"""Tasks for agents: those of the program, and those of a project, in its folder `tasks` or in its Stigmer.yaml.

In the folder, a task is a file of Markdown, whose text is the prompt. What else is said of it stands before that:

    ---
    requires_commit: true        # a run without one has failed
    notify: false                # no notification; true if left out
    timeout: 10m
    agents: [claude, codex]      # where --agent is left out; `auto` if both are
    folder: services/shop        # in which the agent works, below that of the project
    worktree: true               # in a worktree of its own, so that several agents can work at once
    ---
    Bring the documentation up to date …

In Stigmer.yaml the same is said of it below its name, with the file of its prompt:

    tasks:
      tidy: {prompt: prompts/tidy.md, requires_commit: true}
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.front_matter import split_front_matter
from stigmer_tui.core.paths import PROJECT_FILE

if TYPE_CHECKING:
    from stigmer_tui.core.yaml_text import Document

FOLDER = "tasks"
SUFFIX = ".md"
AUTO = "auto"
KEYS = ("requires_commit", "notify", "timeout", "agents", "folder", "worktree")
PROMPT = "prompt"
"""In Stigmer.yaml, besides these: the file of the prompt."""
SECTION = "tasks"
"""Of Stigmer.yaml."""

PROMPTS = Path(__file__).parent / "prompts"
BUILT_IN = {"debug_hello_simple": False, "debug_hello_world": True, "debug_smoke_commit": True}
"""Whether each task of the program requires a commit; its prompt stands in the folder `prompts`."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}")
_TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Task:
    name: str
    prompt: str
    requires_commit: bool = False
    notify: bool = True
    timeout: float | None = None
    """Seconds; None for the configured limit."""
    agents: tuple[str, ...] = ()
    folder: str = ""
    """Relative to that of the project."""
    worktree: bool = False
    is_built_in: bool = False

    @property
    def summary(self) -> str:
        """The first line of the prompt that says something."""
        return next((line.strip("# ") for line in self.prompt.splitlines() if line.strip("# ")), "")


def seconds_of(text: str) -> float | None:
    """`90`, `90s`, `10m` or `1h`; None for any other text, and for no time at all."""
    if not (match := _TIME.fullmatch(text.strip())):
        return None
    return float(match[1]) * _SECONDS[match[2]] or None


def load_tasks(folder: Path) -> dict[str, Task]:
    """By name; a task of the project before one of the program. Raises StigmerError, with file and line."""
    tasks = {
        name: Task(name, (PROMPTS / f"{name}{SUFFIX}").read_text(encoding="utf-8"), requires_commit, is_built_in=True)
        for name, requires_commit in BUILT_IN.items()
    }
    for task in (*_listed(folder), *map(_load, _files(folder / FOLDER))):
        if task.name in tasks and not tasks[task.name].is_built_in:
            raise StigmerError(
                f"The task {task.name} stands in {PROJECT_FILE} and in the folder {FOLDER}", "Keep one of them."
            )
        tasks[task.name] = task
    return tasks


def find_task(folder: Path, name: str) -> Task:
    """Raises StigmerError, with the names that there are."""
    tasks = load_tasks(folder)
    if name not in tasks:
        advice = f"There are {', '.join(tasks)}; add your own as {FOLDER}/{name}{SUFFIX}, or to {PROJECT_FILE}"
        raise StigmerError(f"There is no task {name}", advice)
    return tasks[name]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file())


def _load(path: Path) -> Task:
    _check_name(path.stem, str(path))
    settings, prompt = split_front_matter(_read(path))
    if not prompt.strip():
        raise StigmerError(f"The task {path} has no prompt", "Write below the line --- what is to be done.")
    from stigmer_tui.core.yaml_text import Document, read_yaml

    document = read_yaml(settings, str(path)) if settings.strip() else Document(str(path), {})
    return _TaskReader(document, ()).task(path.stem, prompt.strip())


def _listed(folder: Path) -> Iterator[Task]:
    """Those of Stigmer.yaml; what else is wrong with that file is told where it is deployed."""
    path = folder / PROJECT_FILE
    if not path.is_file():
        return
    from stigmer_tui.core.yaml_text import read_yaml

    document = read_yaml(_read(path), PROJECT_FILE)
    tasks = document.value.get(SECTION) if isinstance(document.value, dict) else None
    if tasks is None:
        return
    if not isinstance(tasks, dict):
        raise StigmerError(f"{document.where(SECTION)} {SECTION} must hold tasks by their names")
    for name in tasks:
        _check_name(str(name), document.where(SECTION, name))
        reader = _TaskReader(document, (SECTION, name), PROMPT)
        yield reader.task(str(name), reader.prompt(folder))


def _check_name(name: str, where: str) -> None:
    if not _NAME.fullmatch(name):
        raise StigmerError(f"{where} {name!r} is no name for a task", "Use letters, digits, - and _.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StigmerError(f"Cannot read {path}: {error}") from error


class _TaskReader:
    """Of what stands at one path of a document; every refusal has its line."""

    def __init__(self, document: Document, path: tuple[str, ...], *more_keys: str) -> None:
        self._document = document
        self._path = path
        self._keys = (*more_keys, *KEYS)
        values = document.value
        for part in path:
            values = values[part]
        if not isinstance(values, dict):
            raise self._problem("", f"must hold keys such as {', '.join(self._keys)}")
        self._values: dict[str, Any] = values

    def task(self, name: str, prompt: str) -> Task:
        for key in self._values:
            if key not in self._keys:
                raise self._problem(str(key), f"is no key of a task: there are {', '.join(self._keys)}")
        return Task(
            name,
            prompt,
            self._flag("requires_commit", False),
            self._flag("notify", True),
            self._timeout(),
            self._agents(),
            self._folder(),
            self._flag("worktree", False),
        )

    def prompt(self, folder: Path) -> str:
        """The text of the file that is named."""
        file = self._values.get(PROMPT)
        if not isinstance(file, str) or not (folder / file).is_file():
            raise self._problem(PROMPT, f"must be a file of the project, such as prompts/{self._path[-1]}{SUFFIX}")
        text = _read(folder / file).strip()
        if not text:
            raise self._problem(PROMPT, f"is {file}, which is empty")
        return text

    def _flag(self, key: str, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self._problem(key, "must be true or false")
        return value

    def _timeout(self) -> float | None:
        value = self._values.get("timeout")
        if value is None:
            return None
        seconds = seconds_of(str(value)) if isinstance(value, str | int | float) else None
        if seconds is None:
            raise self._problem("timeout", "must be a time such as 90s, 10m or 1h")
        return seconds

    def _agents(self) -> tuple[str, ...]:
        value = self._values.get("agents", [])
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise self._problem("agents", "must be a list of names")
        return tuple(names)

    def _folder(self) -> str:
        value = self._values.get("folder", "")
        if not isinstance(value, str) or Path(value).is_absolute() or ".." in Path(value).parts:
            raise self._problem("folder", "must be a folder below that of the project")
        return value

    def _problem(self, key: str, problem: str) -> StigmerError:
        path = (*self._path, key) if key else self._path
        return StigmerError(f"{self._document.where(*path)} {key or (path or ('the file',))[-1]} {problem}")
