"""Notes which files the project's code writes, so that whoever watches the project can tell them from a save.

What the code writes through Python is seen, in this process and in those that are forked from it; what other programs
write is not.
"""

from __future__ import annotations

import os
import sys
from typing import Any

REPORT = "STIGMER_WRITTEN_FILES"
"""Environment variable: the file in which the paths are noted, each with a NUL behind it."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

PATHS = {
    "open": (0,),
    "os.rename": (0, 1),
    "os.link": (1,),
    "os.symlink": (1,),
    "os.remove": (0,),
    "os.truncate": (0,),
    "os.utime": (0,),
    "sqlite3.connect": (0,),
}
"""Which arguments of an event are paths that change."""


def note_written_files() -> None:
    """From now on, for as long as the process lives; nothing where nobody wants to know."""
    place = os.environ.pop(REPORT, "")
    if not place:
        return
    report = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    noted: set[str] = set()

    def note(path: Any) -> None:
        if isinstance(path, str | bytes | os.PathLike):
            text = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - pathlib is not worth its time here
            if text not in noted:
                noted.add(text)
                os.write(report, os.fsencode(text) + b"\0")

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if not (isinstance(flags, int) and flags & WRITING):
                return
        elif event not in PATHS:
            return
        try:
            for index in PATHS[event]:
                note(arguments[index])
        except Exception:  # noqa: S110 - an error here would be one of the code that writes
            pass

    sys.addaudithook(hear)
