"""Projects in Go: their code is built and run by the Go tool (`docs/compatibility.md` 143)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from stigmer_tui.project.project_file import Project
from stigmer_tui.project.subprocesses import Ended, OnLine, run_program
from stigmer_tui.project.synthesis_error import SynthesisError, within

_IGNORED = re.compile(r"^//go:build\s+ignore\s*$|^// \+build\s+ignore\s*$", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s", re.MULTILINE)
_NEEDS_TIDY = re.compile(r"go mod tidy|updates to go\.(mod|sum) needed|; to (add|update)( it)?:")
_COMPILER = re.compile(r"^(?P<file>[^\s:][^:\n]*\.go):(?P<line>\d+)(?::\d+)?: (?P<what>.+)$", re.MULTILINE)
_STACK = re.compile(r"^\t(?P<file>\S.*\.go):(?P<line>\d+) \+0x", re.MULTILINE)
_PANIC = re.compile(r"^(?:panic|fatal error): .+$", re.MULTILINE)
_EXIT_STATUS = re.compile(r"^exit status \d+$", re.MULTILINE)


async def run_go(project: Project, output: Path, environment: Mapping[str, str], on_line: OnLine) -> None:
    """Raises SynthesisError unless the code was built and came to its end."""
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
            raise _failure(project, "go mod tidy", tidied)
        ended = await run_program(command, folder, environment, on_line)
    if ended.status != 0:
        raise _failure(project, project.main.name, ended)


def what_to_run(main: Path) -> str:
    """The whole package where it has several files; the one file where it has no other, or keeps out of the package."""
    others = [path for path in main.parent.glob("*.go") if path != main and not path.name.endswith("_test.go")]
    if _is_ignored(main) or all(_is_ignored(path) for path in others):
        return main.name
    return "."


def _is_ignored(path: Path) -> bool:
    """Whether a build constraint, which stands before the package clause, keeps the file out of its package."""
    text = path.read_text(encoding="utf-8", errors="replace")
    clause = _PACKAGE.search(text)
    return bool(_IGNORED.search(text, 0, clause.start() if clause else len(text)))


def _failure(project: Project, name: str, ended: Ended) -> SynthesisError:
    words = _EXIT_STATUS.sub("", ended.errors).strip()
    folder = project.main.parent
    if found := _COMPILER.search(words):
        file = within(project.folder, folder / found["file"])
        return SynthesisError(found["what"], words, file, int(found["line"]))
    if panic := _PANIC.search(words):
        frames = [(Path(frame["file"]), int(frame["line"])) for frame in _STACK.finditer(words)]
        for file, line in frames:
            if file.is_relative_to(folder):
                return SynthesisError(panic[0], words, within(project.folder, file), line)
        return SynthesisError(panic[0], words)
    *_, last = words.splitlines() or [f"exit status {ended.status}"]
    return SynthesisError(f"{name} failed: {last}", words)
