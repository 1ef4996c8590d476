"""Projects in Python: their code is run by the interpreter of their own virtual environment, or by ours."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import stigmer_tui
from stigmer_tui.core.json_values import from_json
from stigmer_tui.project.project_file import Project
from stigmer_tui.project.subprocesses import Ended, OnLine, run_package
from stigmer_tui.project.synthesis_error import SynthesisError, within

RUNNER = "stigmer_tui.sdk"
NOTE = "error.json"
"""What the runner tells about code that failed."""
ENVIRONMENTS = (".venv", "venv")


async def run_python(project: Project, output: Path, environment: Mapping[str, str], on_line: OnLine) -> None:
    """Raises SynthesisError unless the code came to its end."""
    interpreter = own_interpreter(project.folder)
    variables = {**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    if interpreter is None:
        variables |= _where_we_are(environment)
    arguments = [RUNNER, str(project.main)]
    ended = await run_package(interpreter or Path(sys.executable), arguments, project.folder, variables, on_line)
    if ended.status != 0:
        raise _failure(project, interpreter, output, ended)


def own_interpreter(folder: Path) -> Path | None:
    """That of the project's virtual environment, if it has one."""
    for name in ENVIRONMENTS:
        for place in ("bin/python", "Scripts/python.exe"):
            interpreter = folder / name / place
            if interpreter.exists():
                return interpreter
    return None


def _where_we_are(environment: Mapping[str, str]) -> dict[str, str]:
    """Lets our own interpreter find us where we are not installed but run from our source."""
    root = Path(stigmer_tui.__file__).parent.parent
    if root.name in ("site-packages", "dist-packages"):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))}


def _failure(project: Project, interpreter: Path | None, output: Path, ended: Ended) -> SynthesisError:
    try:
        match from_json((output / NOTE).read_text(encoding="utf-8")):
            case {"message": str(message), "file": str(told), "line": int(line)}:
                file = within(project.folder, Path(told) if told else project.main)
                return SynthesisError(message, ended.errors, file, line)
    except (OSError, ValueError):
        # It was ended before it could say why.
        pass
    name = project.main.name
    if interpreter is not None and "No module named" in ended.errors and "stigmer_tui" in ended.errors:
        advice = f"Install it there: {within(project.folder, interpreter)} -m pip install stigmer-tui"
        return SynthesisError(f"The project's virtual environment has no stigmer-tui: {interpreter}", advice)
    if ended.status < 0:
        return SynthesisError(f"{name} was ended by {signal.Signals(-ended.status).name}", ended.errors)
    return SynthesisError(f"{name} ended with exit status {ended.status}", ended.errors)
