"""Tasks for agents: those of the program, and those in the folder `tasks` of a project.

A task is a file of Markdown, whose text is the prompt. What else is said of it stands before that, in YAML:

    ---
    requires_commit: true        # a run without one has failed
    notify: false                # no notification; true if left out
    timeout: 10m
    agents: [claude, codex]      # where --agent is left out; `auto` if both are
    folder: services/shop        # in which the agent works, below that of the project
    worktree: true               # in a worktree of its own, so that several agents can work at once
    ---
    Bring the documentation up to date …
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.front_matter import split_front_matter

FOLDER = "tasks"
SUFFIX = ".md"
AUTO = "auto"
KEYS = ("requires_commit", "notify", "timeout", "agents", "folder", "worktree")

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
    for path in _files(folder / FOLDER):
        task = _load(path)
        tasks[task.name] = task
    return tasks


def find_task(folder: Path, name: str) -> Task:
    """Raises StigmerError, with the names that there are."""
    tasks = load_tasks(folder)
    if name not in tasks:
        advice = f"There are {', '.join(tasks)}; add your own as {FOLDER}/{name}{SUFFIX}"
        raise StigmerError(f"There is no task {name}", advice)
    return tasks[name]


def _files(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file())


def _load(path: Path) -> Task:
    if not _NAME.fullmatch(path.stem):
        raise StigmerError(f"{path} is no name for a task", "Use letters, digits, - and _.")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StigmerError(f"Cannot read the task {path}: {error}") from error
    settings, prompt = split_front_matter(text)
    if not prompt.strip():
        raise StigmerError(f"The task {path} has no prompt", "Write below the line --- what is to be done.")
    return _TaskReader(path, settings).task(prompt.strip())


class _TaskReader:
    def __init__(self, path: Path, settings: str) -> None:
        from stigmer_tui.core.yaml_text import read_yaml

        self._path = path
        self._document = read_yaml(settings, str(path)) if settings.strip() else None
        values = self._document.value if self._document else {}
        if not isinstance(values, dict):
            raise StigmerError(f"{path}:2 must hold keys such as {', '.join(KEYS)}")
        self._values: dict[str, Any] = values

    def task(self, prompt: str) -> Task:
        for key in self._values:
            if key not in KEYS:
                raise self._problem(str(key), f"is no key of a task: there are {', '.join(KEYS)}")
        return Task(
            self._path.stem,
            prompt,
            self._flag("requires_commit", False),
            self._flag("notify", True),
            self._timeout(),
            self._agents(),
            self._folder(),
            self._flag("worktree", False),
        )

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
        where = self._document.where(key) if self._document else str(self._path)
        return StigmerError(f"{where} {key} {problem}")
