"""What a session shows without a screen: for people, or for programs."""

from __future__ import annotations

from typing import Protocol

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.events import Event


class Output(Protocol):
    def take(self, event: Event) -> None:
        """What happens, in the order in which it happens."""
        ...

    def failed(self, error: StigmerError) -> None:
        """The command ends with it."""
        ...


class PrintedErrors:
    """What the project's code has written to standard error: the error that ends it does not repeat that."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def clear(self) -> None:
        self._lines.clear()

    def add(self, line: str) -> None:
        self._lines.append(line)

    def text_of(self, error: StigmerError) -> str:
        """The error for standard error, without advice that has been printed already."""
        is_printed = bool(self._lines) and error.advice == "\n".join(self._lines)
        advice = "" if is_printed else error.advice
        return f"Error: {error.message}\n" + (f"\n{advice}\n" if advice else "")
