"""Follows the file into which a program logs what its output does not tell."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

from stigmer_tui.core.file_notifications import file_notifications
from stigmer_tui.core.lines import LineSplitter

STEP, DEBOUNCE, TIMEOUT = 100, 400, 5000
"""Milliseconds: see `file_notifications`."""
MAX_LINE = 100_000
"""Characters. A longer line comes in pieces."""


async def follow_log(path: Path, on_line: Callable[[str], None]) -> None:
    """Its lines as they are written, until cancelled. Its folder must be there, the file need not be.

    Raises OSError where the folder cannot be watched.
    """
    splitter, seen = LineSplitter(MAX_LINE), 0
    async with aclosing(file_notifications(path.parent, step=STEP, debounce=DEBOUNCE, timeout=TIMEOUT)) as changes:
        async for _ in changes:
            data = _read_from(path, seen)
            seen += len(data)
            for line in splitter.feed(data):
                on_line(line)


def _read_from(path: Path, start: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read()
    except FileNotFoundError:
        return b""
