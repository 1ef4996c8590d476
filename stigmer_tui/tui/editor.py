"""The person's own editor, for a text that is longer than a line."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from textual.app import App, SuspendNotSupported

from stigmer_tui.core.errors import StigmerError


async def edited(app: App[None], text: str) -> str:
    """The text as it was when the editor ended; the app is away meanwhile. Raises StigmerError without an editor."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise StigmerError("No editor: set EDITOR to one, such as vi or nano")
    try:
        program = shlex.split(command)
    except ValueError as error:
        raise StigmerError(f"EDITOR is no command: {command} ({error})") from error
    if not program or shutil.which(program[0]) is None:
        raise StigmerError(f"There is no editor {command}: set EDITOR to one, such as vi or nano")
    # In a folder of its own, which nobody else can read.
    with tempfile.TemporaryDirectory(prefix="stigmer-tui-") as folder:
        path = Path(folder) / "message.md"
        path.write_text(text, encoding="utf-8")
        try:
            with app.suspend():
                process = await asyncio.create_subprocess_exec(*program, str(path))
                code = await process.wait()
        except (OSError, SuspendNotSupported) as error:
            raise StigmerError(f"Cannot start the editor {command}: {error}") from error
        if code:
            raise StigmerError(f"The editor {command} ended with exit code {code}; the message is as it was")
        try:
            return path.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise StigmerError(f"Cannot read what the editor {command} has written: {error}") from error
