"""The end of an output that grows: what is kept of it while it grows, wherever it is kept."""

from __future__ import annotations

from dataclasses import dataclass

MAX_TAIL = 32_000
"""Characters."""


@dataclass(frozen=True, slots=True)
class OutputTail:
    """The last characters of an output, and how many were before them."""

    before: int = 0
    text: str = ""

    @property
    def end(self) -> int:
        """Characters of the whole output."""
        return self.before + len(self.text)

    def grown(self, before: int, text: str) -> OutputTail:
        """With new text, which has `before` characters before it; what was there from there on is replaced."""
        if not self.before <= before <= self.end:
            return OutputTail(before, text)._cut()
        return OutputTail(self.before, self.text[: before - self.before] + text)._cut()

    def since(self, position: int) -> OutputTail:
        """What a reader lacks that has seen as many characters."""
        seen = min(max(0, position - self.before), len(self.text))
        return OutputTail(self.before + seen, self.text[seen:])

    def _cut(self) -> OutputTail:
        surplus = max(0, len(self.text) - MAX_TAIL)
        return OutputTail(self.before + surplus, self.text[surplus:])
