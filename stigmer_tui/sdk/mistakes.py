"""Mistakes in a project's code, told at the line of the person who made them."""

from __future__ import annotations

import sys
from typing import NamedTuple

from stigmer_tui.core.errors import StigmerError

PACKAGE = "stigmer_tui.sdk"


class Location(NamedTuple):
    file: str
    line: int


class DefinitionError(StigmerError):
    """An agent or a workflow that cannot be: what is wrong, what to do, and the line of the project that says it.

    Without a location it is the line that is calling the SDK at this moment.
    """

    def __init__(self, message: str, advice: str = "", location: Location | None = None) -> None:
        super().__init__(message, advice)
        self.location = location or calling_line()


DefinitionError.__module__ = PACKAGE


def calling_line() -> Location:
    """The innermost line on the stack that does not belong to the SDK."""
    frame = sys._getframe()
    while frame.f_back is not None and is_sdk_module(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)


def is_sdk_module(name: str) -> bool:
    return name == PACKAGE or name.startswith(PACKAGE + ".")


def near_miss(name: str, known: list[str]) -> str:
    """`Did you mean "fetch"?`, or what there is to choose from."""
    from difflib import get_close_matches

    if close := get_close_matches(name, known, n=1):
        return f'Did you mean "{close[0]}"?'
    return f"There is {', '.join(known)}." if known else "There is none."
