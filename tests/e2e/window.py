"""What a person sees in a terminal, and what they press."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

from tests.terminal import Terminal

PATIENCE = 60.0
"""Seconds that a person on a busy machine would wait."""

UNKNOWN_TO_PYTE = re.compile(
    rb"\x1b\[[<>=][\d;]*[a-zA-Z]|\x1b\[\?[\d;]*\$p|\x1bP[^\x1b]*\x1b\\|\x1b_[^\x1b]*\x1b\\|\xef\xb8\x8f"
)
"""Questions to the terminal, whose tails it would print; and the wish for a coloured sign, behind which it stops."""

MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")

MAX_MODE = 32
"""Bytes of a switch of modes, which may come in two parts."""

KEYS = {
    "enter": "\r",
    "esc": "\x1b",
    "tab": "\t",
    "space": " ",
    "backspace": "\x7f",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "pageup": "\x1b[5~",
    "pagedown": "\x1b[6~",
} | {f"ctrl+{letter}": chr(ord(letter) - 96) for letter in "abcdefghijklmnopqrstuvwxyz"}


class Window(Terminal):
    """A terminal that is looked at."""

    def __init__(
        self, arguments: Sequence[str], width: int, height: int, environment: Mapping[str, str], folder: Path
    ) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.exit_code: int | None = None
        self._modes: dict[int, bool] = {}
        self._tail = b""
        super().__init__(arguments, width, height, environment=environment, folder=folder)

    def read(self, seconds: float) -> bytes:
        data = super().read(seconds)
        self._note_modes(data)
        self._stream.feed(UNKNOWN_TO_PYTE.sub(b"", data))
        if not data:
            self._reap(os.WNOHANG)
        return data

    def resize(self, width: int, height: int) -> None:
        self.screen.resize(height, width)
        super().resize(width, height)

    @property
    def text(self) -> str:
        """All lines, without the blanks at their ends."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def mode(self, number: int) -> bool | None:
        """Whether a private mode of the terminal was left on, or off; None for one that was never touched."""
        return self._modes.get(number)

    def press(self, *keys: str) -> None:
        """Each by its name, or as itself."""
        for key in keys:
            self.send(KEYS.get(key, key).encode())
            # A lone escape is one when nothing follows it; the framework looks ten times a second.
            self.read_for(0.25 if key == "esc" else 0.01)

    def type(self, text: str) -> None:
        self.send(text.encode())

    def click(self, column: int, row: int) -> None:
        """The left button, on a cell counted from 0."""
        self.send(f"\x1b[<0;{column + 1};{row + 1}M\x1b[<0;{column + 1};{row + 1}m".encode())

    def shows(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Waits until the screen has it, and returns the match. Raises AssertionError with the screen as it is."""
        match = re.search(pattern, self.text, re.MULTILINE)
        if match is None:
            self._wait(lambda: re.search(pattern, self.text, re.MULTILINE) is not None, f"to show {pattern!r}", seconds)
            match = re.search(pattern, self.text, re.MULTILINE)
            assert match is not None
        return match

    def no_longer_shows(self, pattern: str, seconds: float = PATIENCE) -> None:
        self._wait(lambda: re.search(pattern, self.text, re.MULTILINE) is None, f"to be without {pattern!r}", seconds)

    def ends(self, seconds: float = PATIENCE) -> int:
        """Waits for the program's end; returns its exit code."""
        self._wait(lambda: self.exit_code is not None, "to end", seconds)
        assert self.exit_code is not None
        return self.exit_code

    def close(self) -> None:
        if self.exit_code is None:
            super().close()
        else:
            os.close(self.descriptor)

    def _wait(self, condition: Callable[[], bool], what: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds:g} s for the program {what}; the screen:\n{self.text}"
            if not self.read(0.05) and self.exit_code is not None:
                assert condition(), f"the program ended ({self.exit_code}) and was to {what}; the screen:\n{self.text}"

    def _note_modes(self, data: bytes) -> None:
        text = self._tail + data
        end = 0
        for match in MODES.finditer(text):
            end = match.end()
            for number in match[1].split(b";"):
                self._modes[int(number)] = match[2] == b"h"
        self._tail = text[end:][-MAX_MODE:]

    def reap(self) -> None:
        """Waits for the end of the program, whose terminal may be gone."""
        self._reap(0)

    def _reap(self, options: int) -> None:
        if self.exit_code is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.exit_code = os.waitstatus_to_exitcode(status)
