"""The virtual environment of a Python project: its own, or that of the uv workspace that it is a part of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

NAMES = (".venv", "venv")
UV_LOCK = "uv.lock"
UV_ENVIRONMENT = "UV_PROJECT_ENVIRONMENT"
"""Environment variable of uv: another folder than `.venv`, relative to the root of the workspace."""

_MISSING_MODULE = re.compile(r"No module named '([\w-]+)")


def own_interpreter(folder: Path, environment: Mapping[str, str]) -> Path | None:
    """The interpreter of the project's virtual environment, if it has one."""
    for candidate in _environments(folder, environment):
        for place in ("bin/python", "Scripts/python.exe"):
            interpreter = candidate / place
            if interpreter.exists():
                return interpreter
    return None


def _environments(folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    root = uv_root(folder)
    if root and (name := environment.get(UV_ENVIRONMENT)):
        yield root / name
    yield from (folder / name for name in NAMES)
    if root:
        yield root / NAMES[0]


def uv_root(folder: Path) -> Path | None:
    """The folder of the uv project or workspace around a folder, which has its lock file."""
    return next((each for each in (folder, *folder.parents) if (each / UV_LOCK).is_file()), None)


def how_to_install(folder: Path, interpreter: Path | None, problem: str) -> str:
    """What to do about a module that is missing; empty where another thing is."""
    if (missing := _MISSING_MODULE.search(problem)) is None:
        return ""
    if uv_root(folder):
        return (
            f"Add it to the project: uv add {missing[1]}" if interpreter else "Make the project's environment: uv sync"
        )
    if interpreter:
        shown = interpreter.relative_to(folder) if interpreter.is_relative_to(folder) else interpreter
        return f"Install it in the project's environment: {shown} -m pip install …"
    return "The project runs on the interpreter of stigmer-tui. Make it one of its own: python3 -m venv .venv"
