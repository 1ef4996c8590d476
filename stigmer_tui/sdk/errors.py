"""Errors in a project's code, reported at the line of the project that caused them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from stigmer_tui.core.errors import StigmerError

PACKAGE = "stigmer_tui.sdk"


class Location(NamedTuple):
    """A line of the project's code."""

    file: str
    line: int

    def __str__(self) -> str:
        """`line 12`, or `shop.py, line 12` where another file is calling the SDK."""
        if self.file == calling_line().file:
            return f"line {self.line}"
        return f"{Path(self.file).name}, line {self.line}"


class DefinitionError(StigmerError):
    """An agent or a workflow is defined wrongly.

    `message` says what is wrong, `advice` how to fix it, and `location` is the line of the project: by default the one
    that is calling the SDK now.
    """

    def __init__(self, message: str, advice: str = "", location: Location | None = None) -> None:
        super().__init__(message, advice)
        self.location = location or calling_line()


DefinitionError.__module__ = PACKAGE


def calling_line() -> Location:
    """The innermost line on the stack that does not belong to the SDK."""
    frame = sys._getframe()
    while frame.f_back is not None and _is_sdk_module(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)


def near_miss(name: str, known: list[str]) -> str:
    """`Did you mean "fetch"?`, or else the list of known names."""
    from difflib import get_close_matches

    if close := get_close_matches(name, known, n=1):
        return f'Did you mean "{close[0]}"?'
    return f"There is {', '.join(known)}." if known else "There is none."


def _is_sdk_module(name: str) -> bool:
    return name == PACKAGE or name.startswith(PACKAGE + ".")
