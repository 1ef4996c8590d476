"""Thoughts that stand in tags at the beginning of a text, told apart from it while it streams."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from enum import Enum, auto

NAMES = ("think", "thinking", "thought", "mm:think", "seed:think")
_OPENING = {f"<{name}>": f"</{name}>" for name in NAMES}
_CLOSING = tuple(_OPENING.values())


class Voice(Enum):
    THOUGHT = auto()
    ANSWER = auto()


class ThinkingTags:
    """A tag counts only at the beginning, where models put them: later it is a text about tags.

    A closing tag that nothing opened, left there by servers that take the thoughts out, is dropped.
    """

    def __init__(self) -> None:
        self._held = ""
        """What may be a part of a tag."""
        self._closing = ""
        """The tag that ends the thoughts, while there are any."""
        self._has_thought = False
        self._has_begun = False
        """Whether the answer has."""

    def read(self, text: str) -> Iterator[tuple[Voice, str]]:
        text, self._held = self._held + text, ""
        while text and not self._has_begun:
            text = yield from self._thought(text) if self._closing else self._beginning(text)
        if text:
            yield Voice.ANSWER, text

    def end(self) -> Iterator[tuple[Voice, str]]:
        """Nothing follows: what was held back is no tag."""
        held, self._held = self._held, ""
        if held and not (held.isspace() and self._has_thought):
            yield Voice.THOUGHT if self._closing else Voice.ANSWER, held

    def _beginning(self, text: str) -> Generator[tuple[Voice, str], None, str]:
        """Returns what is left of the text to look at."""
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

    def _thought(self, text: str) -> Generator[tuple[Voice, str], None, str]:
        thought, closing, rest = text.partition(self._closing)
        if closing:
            self._closing = ""
        else:
            held = _overlap(thought, self._closing)
            thought, self._held = thought[: len(thought) - held], thought[len(thought) - held :]
        if thought:
            yield Voice.THOUGHT, thought
        return rest if closing else ""


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of the text are the beginning of the tag."""
    return next((length for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), 0)
