"""Separates thinking, in tags at the beginning of a text, from the text while it streams."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from enum import Enum, auto

NAMES = ("think", "thinking", "thought", "mm:think", "seed:think")
_OPENING = {f"<{name}>": f"</{name}>" for name in NAMES}
_CLOSING = tuple(_OPENING.values())


class TextKind(Enum):
    """What a piece of text is."""

    THINKING = auto()
    OUTPUT = auto()


class ThinkingTags:
    """Reads a text in pieces. Tags count only at its beginning, where models put them.

    A closing tag without an opening one, which servers leave behind that remove the thinking, is dropped.
    """

    def __init__(self) -> None:
        self._held = ""
        """Text that may be a part of a tag."""
        self._closing = ""
        """The tag that ends the thinking; empty outside of it."""
        self._has_thought = False
        self._has_begun = False
        """Whether the output has begun."""

    def read(self, text: str) -> Iterator[tuple[TextKind, str]]:
        """Reads a piece; gives the text whose kind is certain."""
        text, self._held = self._held + text, ""
        while text and not self._has_begun:
            text = yield from self._thought(text) if self._closing else self._beginning(text)
        if text:
            yield TextKind.OUTPUT, text

    def end(self) -> Iterator[tuple[TextKind, str]]:
        """Ends the text; gives what was held back."""
        held, self._held = self._held, ""
        if held and not (held.isspace() and self._has_thought):
            yield TextKind.THINKING if self._closing else TextKind.OUTPUT, held

    def _beginning(self, text: str) -> Generator[tuple[TextKind, str], None, str]:
        """Reads tags at the beginning; returns the text after them."""
        start = text.lstrip()
        for opening, closing in _OPENING.items():
            if start.startswith(opening):
                self._closing = closing
                self._has_thought = True
                return start[len(opening) :]
        if orphan := next((tag for tag in _CLOSING if start.startswith(tag)), ""):
            self._has_thought = True
            return start[len(orphan) :]
        if any(tag.startswith(start) for tag in (*_OPENING, *_CLOSING)):
            self._held = text
            return ""
        self._has_begun = True
        yield from ()
        return start if self._has_thought else text

    def _thought(self, text: str) -> Generator[tuple[TextKind, str], None, str]:
        thought, closing, rest = text.partition(self._closing)
        if closing:
            self._closing = ""
        else:
            held = _overlap(thought, self._closing)
            thought, self._held = thought[: len(thought) - held], thought[len(thought) - held :]
        if thought:
            yield TextKind.THINKING, thought
        return rest if closing else ""


def _overlap(text: str, tag: str) -> int:
    """The length of the end of the text that is the beginning of the tag."""
    return next((length for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), 0)
