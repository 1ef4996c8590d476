"""Runs a project's code: with its own Python, or with the Go tool (`docs/compatibility.md` 141, 143)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import stigmer_tui
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.project.project_file import Project
from stigmer_tui.project.python_environment import how_to_install, own_interpreter, uv_root
from stigmer_tui.project.subprocesses import Ended, OnLine, RunPackage, run_package, run_program


class SynthesisError(StigmerError):
    """A project's code failed. The advice is the output of the tool: a traceback, or the compiler's messages."""

    def __init__(
        self, message: str, advice: str = "", file: Path | None = None, line: int = 0, column: int = 0
    ) -> None:
        """`file` is relative to the project if it is in there; `line` and `column` count from 1; 0 is unknown."""
        place = f"{file}:{line}:{column}" if column else f"{file}:{line}" if line else str(file)
        super().__init__(f"{place} {message}" if file else message, advice)
        self.problem = message
        """The message without file and line."""
        self.file = file
        self.line = line
        self.column = column


def within(project: Path, file: Path) -> Path:
    """The path of a file, relative to the project if it is in there."""
    return file.relative_to(project) if file.is_relative_to(project) else file


RUNNER = "stigmer_tui.sdk"
REPORT_FILE = "error.json"
"""The SDK's report on code that failed, in the output folder."""


async def run_python(
    project: Project,
    output: Path,
    environment: Mapping[str, str],
    on_line: OnLine,
    run: RunPackage = run_package,
) -> None:
    """Runs a Python project. Raises SynthesisError if its code fails."""
    interpreter = own_interpreter(project.folder, environment)
    variables = {**environment, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    if interpreter is None:
        variables |= _own_package_path(environment)
    arguments = [RUNNER, str(project.main)]
    ended = await run(interpreter or Path(sys.executable), arguments, project.folder, variables, on_line)
    if ended.status != 0:
        raise _python_failure(project, interpreter, output, ended)


def _own_package_path(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables with which our interpreter finds this package where it runs from its source instead of installed."""
    root = Path(stigmer_tui.__file__).parent.parent
    if root.name in ("site-packages", "dist-packages"):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(root), environment.get("PYTHONPATH"))))}


def _python_failure(project: Project, interpreter: Path | None, output: Path, ended: Ended) -> SynthesisError:
    try:
        match from_json((output / REPORT_FILE).read_text(encoding="utf-8")):
            case {"message": str(message), "file": str(path), "line": int(line), **others}:
                file = within(project.folder, Path(path) if path else project.main)
                # The SDK of the project may be an earlier one.
                column = known if isinstance(known := others.get("column"), int) else 0
                mend = how_to_install(project.folder, interpreter, message)
                return SynthesisError(message, "\n".join(filter(None, (ended.errors, mend))), file, line, column)
    except (OSError, ValueError):
        # It ended before it could write the report.
        pass
    name = project.main.name
    if interpreter is not None and "No module named" in ended.errors and "stigmer_tui" in ended.errors:
        install = f"{within(project.folder, interpreter)} -m pip install stigmer-tui"
        advice = f"Install it there: {'uv add --dev stigmer-tui' if uv_root(project.folder) else install}"
        return SynthesisError(f"The project's virtual environment has no stigmer-tui: {interpreter}", advice)
    if ended.status < 0:
        return SynthesisError(f"{name} was ended by {signal.Signals(-ended.status).name}", ended.errors)
    return SynthesisError(f"{name} ended with exit status {ended.status}", ended.errors)


async def run_command(project: Project, environment: Mapping[str, str], on_line: OnLine) -> None:
    """Runs the program of a project. Raises SynthesisError if it fails, or is not there."""
    program, *arguments = project.command
    name = " ".join(project.command)
    if os.sep in program:
        path = str(project.folder / program) if (project.folder / program).is_file() else None
    else:
        path = shutil.which(program, path=environment.get("PATH"))
    if path is None:
        advice = "command in Stigmer.yaml begins with a program: its name, or its path in the project."
        raise SynthesisError(f"There is no program {program}", advice)
    ended = await run_program([path, *arguments], project.folder, environment, on_line)
    if ended.status < 0:
        raise SynthesisError(f"{name} was ended by {signal.Signals(-ended.status).name}", ended.errors)
    if ended.status != 0:
        raise SynthesisError(f"{name} ended with exit status {ended.status}", ended.errors)


_IGNORED = re.compile(r"^//go:build\s+ignore\s*$|^// \+build\s+ignore\s*$", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s", re.MULTILINE)
_NEEDS_TIDY = re.compile(r"go mod tidy|updates to go\.(mod|sum) needed|; to (add|update)( it)?:")
_COMPILER = re.compile(r"^(?P<file>[^\s:][^:\n]*\.go):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<what>.+)$", re.MULTILINE)
_STACK = re.compile(r"^\t(?P<file>\S.*\.go):(?P<line>\d+) \+0x", re.MULTILINE)
_PANIC = re.compile(r"^(?:panic|fatal error): .+$", re.MULTILINE)
_EXIT_STATUS = re.compile(r"^exit status \d+$", re.MULTILINE)


async def run_go(project: Project, output: Path, environment: Mapping[str, str], on_line: OnLine) -> None:
    """Builds and runs a Go project. Raises SynthesisError if that fails."""
    go = shutil.which("go", path=environment.get("PATH"))
    if go is None:
        advice = "Install Go (https://go.dev/doc/install), and make sure that `go version` works in this terminal."
        raise SynthesisError("This project is written in Go, and there is no Go here", advice)
    folder = project.main.parent
    command = [go, "run", what_to_run(project.main)]
    ended = await run_program(command, folder, environment, on_line)
    if ended.status != 0 and _NEEDS_TIDY.search(ended.errors):
        tidied = await run_program([go, "mod", "tidy"], folder, environment, on_line)
        if tidied.status != 0:
            raise _go_failure(project, "go mod tidy", tidied)
        ended = await run_program(command, folder, environment, on_line)
    if ended.status != 0:
        raise _go_failure(project, project.main.name, ended)


def what_to_run(main: Path) -> str:
    """The argument of `go run`: the package, or the file alone where it has no other or is kept out of the package."""
    others = [path for path in main.parent.glob("*.go") if path != main and not path.name.endswith("_test.go")]
    if _is_ignored(main) or all(_is_ignored(path) for path in others):
        return main.name
    return "."


def _is_ignored(path: Path) -> bool:
    """Whether a build constraint before the package clause keeps the file out of its package."""
    text = path.read_text(encoding="utf-8", errors="replace")
    clause = _PACKAGE.search(text)
    return bool(_IGNORED.search(text, 0, clause.start() if clause else len(text)))


def _go_failure(project: Project, name: str, ended: Ended) -> SynthesisError:
    output = _EXIT_STATUS.sub("", ended.errors).strip()
    folder = project.main.parent
    if found := _COMPILER.search(output):
        file = within(project.folder, folder / found["file"])
        return SynthesisError(found["what"], output, file, int(found["line"]), int(found["column"] or 0))
    if panic := _PANIC.search(output):
        frames = [(Path(frame["file"]), int(frame["line"])) for frame in _STACK.finditer(output)]
        for file, line in frames:
            if file.is_relative_to(folder):
                return SynthesisError(panic[0], output, within(project.folder, file), line)
        return SynthesisError(panic[0], output)
    *_, last = output.splitlines() or [f"exit status {ended.status}"]
    return SynthesisError(f"{name} failed: {last}", output)
