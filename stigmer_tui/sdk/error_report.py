"""Reports code that failed: a traceback for people, without the frames of the SDK, and a file for programs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from traceback import FrameSummary, StackSummary, TracebackException
from typing import Any

from stigmer_tui.sdk.errors import DefinitionError, Location

REPORT_FILE = "error.json"
SDK_FOLDER = str(Path(__file__).parent)
LIBRARY_FOLDERS = ("site-packages", "dist-packages", ".venv", "venv")
INTERRUPTED = 130


def report(error: BaseException, entry: Path, folder: Path | None) -> int:
    """Writes the error to standard error, and a report into the folder. Returns the exit status."""
    print(traceback_text(error), end="", file=sys.stderr)  # noqa: T201
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / REPORT_FILE).write_text(json.dumps(error_details(error, entry)), encoding="utf-8")
    match error:
        case SystemExit(code=int(code)):
            return code
        case KeyboardInterrupt():
            return INTERRUPTED
        case _:
            return 1


def traceback_text(error: BaseException) -> str:
    """The traceback as the interpreter prints it, but with the project's frames only."""
    if isinstance(error, SystemExit):
        return f"{error.code}\n" if isinstance(error.code, str) else ""
    described = TracebackException.from_exception(error)
    _remove_sdk_frames(described)
    if isinstance(error, DefinitionError) and _last_line(described.stack) != error.location:
        # Found only at the end, when the line that caused it is not on the stack any more.
        described.stack = StackSummary.from_list([FrameSummary(*error.location, "<module>")])
    return "".join(described.format())


def error_details(error: BaseException, entry: Path) -> dict[str, Any]:
    """`file`, `line` and `column` (0 if unknown), `message` in one line, and `advice`."""
    column = error.offset or 0 if isinstance(error, SyntaxError) else 0
    place = {**_location(error, entry.parent)._asdict(), "column": column}
    match error:
        case DefinitionError(message=message, advice=advice):
            return {**place, "message": message, "advice": advice}
        case SystemExit(code=code):
            text = f"{entry.name} ended with {f'exit status {_status_text(code)}' if isinstance(code, int) else code}"
        case SyntaxError(msg=what):
            text = f"{type(error).__name__}: {what}"
        case _:
            text = f"{type(error).__name__}: {_message(error)}".removesuffix(": ")
    return {**place, "message": text.strip().partition("\n")[0], "advice": ""}


def _message(error: BaseException) -> str:
    # The method is the project's code, and may fail itself.
    try:
        return str(error)
    except Exception:
        return "it cannot be written as a text"


def _status_text(code: int) -> str:
    return str(code) if abs(code) < 10**9 else "too large to show"


def _location(error: BaseException, project: Path) -> Location:
    """The innermost line of the project, or of a library where there is none."""
    match error:
        case DefinitionError(location=location):
            return location
        case SyntaxError(filename=str(file), lineno=int(line)):
            return Location(file, line)
    described = TracebackException.from_exception(error)
    _remove_sdk_frames(described)
    frames = [frame for frame in described.stack if _is_of_project(frame.filename, project)] or described.stack
    return _last_line(frames)


def _last_line(frames: list[FrameSummary]) -> Location:
    return Location(frames[-1].filename, frames[-1].lineno or 0) if frames else Location("", 0)


def _is_of_project(file: str, project: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(project) and not any(part in LIBRARY_FOLDERS for part in path.relative_to(project).parts)


def _remove_sdk_frames(described: TracebackException) -> None:
    described.stack = StackSummary.from_list(
        [frame for frame in described.stack if not frame.filename.startswith((SDK_FOLDER, "<frozen importlib"))]
    )
    for other in (described.__cause__, described.__context__, *(described.exceptions or ())):
        if other is not None:
            _remove_sdk_frames(other)
