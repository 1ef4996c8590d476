"""Copies text to the clipboard, through the terminal (OSC 52) and through tmux."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from typing import Any

from textual.app import App

TMUX_LIMIT = 1.0
"""Seconds."""


def copy_to_terminal(app: App[Any], text: str) -> None:
    """Best effort: terminals do not confirm it."""
    app.copy_to_clipboard(text)
    if os.environ.get("TMUX") and shutil.which("tmux"):
        with suppress(OSError, subprocess.SubprocessError):
            subprocess.run(["tmux", "load-buffer", "-w", "-"], input=text.encode(), timeout=TMUX_LIMIT, check=False)
