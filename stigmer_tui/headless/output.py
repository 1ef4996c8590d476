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

    def advice_of(self, error: StigmerError) -> str:
        """Empty where it has been printed already."""
        return "" if self._lines and error.advice == "\n".join(self._lines) else error.advice
