"""What went wrong in a project's own code, and where."""

from __future__ import annotations

from pathlib import Path

from stigmer_tui.core.errors import StigmerError


class SynthesisError(StigmerError):
    """The advice is in the words of the tool that failed: a traceback, or what the compiler says."""

    def __init__(self, message: str, advice: str = "", file: Path | None = None, line: int = 0) -> None:
        """`file` is relative to the project where it belongs to it; `line` counts from 1, and 0 is not known."""
        where = f"{file}:{line} " if file and line else f"{file} " if file else ""
        super().__init__(where + message, advice)
        self.problem = message
        """The message without the place."""
        self.file = file
        self.line = line


def within(project: Path, file: Path) -> Path:
    """Relative to the project if it is in there."""
    return file.relative_to(project) if file.is_relative_to(project) else file
