"""Errors that are meant for people."""

from __future__ import annotations


class StigmerError(Exception):
    """What went wrong, where, and what to do about it, in words for the person at the terminal.

    `message` is one line without a full stop. `advice` is what to do, in as many lines as it takes. Faces print
    both and nothing else: whoever raises this has already said everything that helps.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message}\n\n{self.advice}" if self.advice else self.message
