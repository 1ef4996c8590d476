"""The person's own editor, for a text that is longer than a line."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import Any

from textual.app import App, SuspendNotSupported

from stigmer_tui.core.errors import StigmerError

WITH_COLON = {"code": ["-g"], "codium": ["-g"], "cursor": ["-g"], "windsurf": ["-g"], "hx": [], "subl": [], "zed": []}
"""Editors that take FILE:LINE, and the options before it; the others take +LINE FILE, as vi does."""


async def edited(app: App[Any], text: str) -> str:
    """The text as it was when the editor ended; the app is away meanwhile. Raises StigmerError without an editor."""
    program = _editor()
    # In a folder of its own, which nobody else can read.
    with tempfile.TemporaryDirectory(prefix="stigmer-tui-") as folder:
        path = Path(folder) / "message.md"
        path.write_text(text, encoding="utf-8")
        if code := await _run(app, [*program, str(path)]):
            raise StigmerError(f"The editor {program[0]} ended with exit code {code}; the message is as it was")
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise StigmerError(f"Cannot read what the editor {program[0]} has written: {error}") from error


async def opened(app: App[Any], path: Path, line: int) -> None:
    """Shows a line of a file in the editor; the app is away until it ends. Raises StigmerError without an editor."""
    program = _editor()
    options = WITH_COLON.get(Path(program[0]).name)
    place = [f"+{line}", str(path)] if options is None else [*options, f"{path}:{line}"]
    if code := await _run(app, [*program, *place]):
        raise StigmerError(f"The editor {program[0]} ended with exit code {code}")


def _editor() -> list[str]:
    """The command of the editor that the person has set. Raises StigmerError."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise StigmerError("No editor: set EDITOR to one, such as vi or nano")
    try:
        program = shlex.split(command)
    except ValueError as error:
        raise StigmerError(f"EDITOR is no command: {command} ({error})") from error
    if not program or shutil.which(program[0]) is None:
        raise StigmerError(f"There is no editor {command}: set EDITOR to one, such as vi or nano")
    return program


async def _run(app: App[Any], command: list[str]) -> int:
    """Returns the exit code. Raises StigmerError where the editor cannot be started."""
    try:
        with app.suspend():
            process = await asyncio.create_subprocess_exec(*command)
            return await process.wait()
    except (OSError, SuspendNotSupported) as error:
        raise StigmerError(f"Cannot start the editor {command[0]}: {error}") from error
