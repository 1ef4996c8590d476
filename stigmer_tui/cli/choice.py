"""Lets the user choose: in an inline list, or by number where the terminal cannot draw one."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
import termios
import tty
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

import click
from rich.cells import cell_len, set_cell_size

from stigmer_tui.core.terminal import CELLS, is_addressable, terminal_encoding
from stigmer_tui.tui.render.cells import one_line

KEYS_HELP = "arrows move, typing filters, enter chooses, esc leaves"

MAX_ROWS = 10

ESCAPE_DELAY = 0.05
"""Seconds after which an escape is the key itself and not the start of a sequence."""

KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)|.", re.DOTALL)

UNFINISHED_KEY = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O)?\Z")

UP = ("\x1b[A", "\x1bOA", "\x10")
DOWN = ("\x1b[B", "\x1bOB", "\x0e", "\t")
FIRST = ("\x1b[H", "\x1bOH", "\x1b[1~")
LAST = ("\x1b[F", "\x1bOF", "\x1b[4~")
ERASE = ("\x7f", "\x08")
ERASE_ALL = ("\x15",)
CHOOSE = ("\r", "\n")
LEAVE = ("\x1b", "\x03", "\x04")


class Decision(Enum):
    NONE = auto()
    CHOSEN = auto()
    LEFT = auto()


class ChoiceList:
    """The state of the list: the filter text, the matches and the selected line."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = labels
        self.typed = ""
        self.selected = 0
        """Index into the labels."""

    @property
    def matches(self) -> list[int]:
        """Indexes of the labels to show. A number selects its line without hiding others."""
        if self._number is not None:
            return list(range(len(self._labels)))
        words = self.typed.lower().split()
        return [index for index, label in enumerate(self._labels) if all(word in label.lower() for word in words)]

    @property
    def _number(self) -> int | None:
        is_number = self.typed.isascii() and self.typed.isdigit()
        return int(self.typed) - 1 if is_number and 1 <= int(self.typed) <= len(self._labels) else None

    def press(self, key: str) -> Decision:
        if key in CHOOSE:
            return Decision.CHOSEN if self.selected in self.matches else Decision.NONE
        if key in LEAVE:
            return Decision.LEFT
        if key in UP:
            self._move(-1)
        elif key in DOWN:
            self._move(1)
        elif key in (*FIRST, *LAST):
            matches = self.matches or [self.selected]
            self.selected = matches[0 if key in FIRST else -1]
        elif key in (*ERASE, *ERASE_ALL):
            self._type(self.typed[:-1] if key in ERASE else "")
        elif key.isprintable():
            self._type(self.typed + key)
        return Decision.NONE

    def rows(self, limit: int) -> list[str]:
        """At most `limit` lines, including the selected one."""
        matches = self.matches
        if not matches:
            return ["  nothing matches"]
        place = matches.index(self.selected)
        first = max(0, min(place - limit // 2, len(matches) - limit))
        width = len(str(len(self._labels)))
        return [
            f"{'>' if index == self.selected else ' '} {index + 1:>{width}}  {self._labels[index]}"
            for index in matches[first : first + limit]
        ]

    def _move(self, step: int) -> None:
        matches = self.matches
        if matches:
            self.selected = matches[(matches.index(self.selected) + step) % len(matches)]

    def _type(self, text: str) -> None:
        self.typed = text
        if self._number is not None:
            self.selected = self._number
        elif (matches := self.matches) and self.selected not in matches:
            self.selected = matches[0]


@dataclass(frozen=True, slots=True)
class Option:
    """One of those among which is chosen."""

    name: str
    label: str


async def choose(question: str, options: Sequence[Option]) -> int | None:
    """The index of the choice, or None if the user cancels. Requires `can_ask`."""
    if not is_addressable(os.environ):
        return _ask_for_number(question, options)
    with _InlineScreen(question, sys.stdin.fileno(), sys.stdout.fileno()) as screen:
        choices = ChoiceList([one_line(option.label) for option in options])
        screen.draw(choices)
        async with contextlib.aclosing(_keys(sys.stdin.fileno(), lambda: screen.draw(choices))) as keys:
            async for key in keys:
                match choices.press(key):
                    case Decision.CHOSEN:
                        screen.leave(f"> [Selected: {one_line(options[choices.selected].name)}]\n")
                        return choices.selected
                    case Decision.LEFT:
                        return None
                screen.draw(choices)
    return None


def _ask_for_number(question: str, options: Sequence[Option]) -> int:
    """Raises click.Abort if the user cancels."""
    click.echo(f"\n{question}:")
    for number, option in enumerate(options, 1):
        click.echo(f"  {number}  {one_line(option.label)}")
    # The handler of asyncio needs a running loop, which this call blocks.
    loops = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        number = click.prompt("\nNumber", type=click.IntRange(1, len(options)), default=1)
    finally:
        signal.signal(signal.SIGINT, loops)
    return number - 1


class _InlineScreen:
    """The lines below the cursor, in cbreak mode: ctrl+c and ctrl+z keep their meaning."""

    def __init__(self, question: str, keyboard: int, display: int) -> None:
        self._question = question
        self._keyboard = keyboard
        self._display = display
        self._settings = termios.tcgetattr(keyboard)
        self._is_drawn = False

    def __enter__(self) -> _InlineScreen:
        sys.stdout.flush()
        self._write("\n")
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, termios.error):
            # Not needed if the terminal is gone.
            if self._is_drawn:
                self.leave("")
            termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._settings)

    def draw(self, choices: ChoiceList) -> None:
        # Each time, because a shell changes the settings after ctrl+z.
        tty.setcbreak(self._keyboard, termios.TCSANOW)
        columns, lines = os.get_terminal_size(self._display)
        width = max(1, columns - 1)
        rows = [*choices.rows(max(1, min(MAX_ROWS, lines - 3))), f"  {KEYS_HELP}"]
        head = _cut(f"{self._question}: {choices.typed}", width)
        below = "".join("\n" + _cut(row, width) for row in rows)
        self._write(f"\r\x1b[J{head}{below}\x1b[{len(rows)}A\r\x1b[{cell_len(head)}C")
        self._is_drawn = True

    def leave(self, last: str) -> None:
        """Replaces the list by the line `last`."""
        self._write(f"\r\x1b[J{last}")
        self._is_drawn = False

    def _write(self, text: str) -> None:
        os.write(self._display, text.encode(terminal_encoding(os.environ), CELLS))


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width)


async def _keys(keyboard: int, redraw: Callable[[], None]) -> AsyncGenerator[str]:
    """Keys, until the terminal is gone."""
    loop = asyncio.get_running_loop()
    pieces: asyncio.Queue[bytes] = asyncio.Queue()
    decode = getincrementaldecoder("utf-8")("replace").decode

    def read() -> None:
        try:
            data = os.read(keyboard, 1 << 10)
        except OSError:
            data = b""
        if not data:
            loop.remove_reader(keyboard)
        pieces.put_nowait(data)

    loop.add_reader(keyboard, read)
    for number in (signal.SIGCONT, signal.SIGWINCH):
        loop.add_signal_handler(number, redraw)
    text = ""
    try:
        while data := await pieces.get():
            text += decode(data)
            while UNFINISHED_KEY.search(text):
                try:
                    text += decode(await asyncio.wait_for(pieces.get(), ESCAPE_DELAY))
                except TimeoutError:
                    break
            for key in KEY.findall(text):
                yield key
            text = ""
    finally:
        loop.remove_reader(keyboard)
        for number in (signal.SIGCONT, signal.SIGWINCH):
            loop.remove_signal_handler(number)
