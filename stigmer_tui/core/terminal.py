"""What is known about the terminal before anything is drawn, and the signs that it can show. Light to import."""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress

ADDRESSABLE = ("xterm", "tmux", "screen", "linux", "rxvt", "alacritty", "foot", "wezterm", "vt100", "vt220")
"""Prefixes of TERM that need no lookup in terminfo, which would take as long as the first paint."""

CURSOR_ADDRESS = b"\x1b["
"""Start of the cursor-addressing capability of terminals that the app supports."""


def is_addressable(environment: Mapping[str, str]) -> bool:
    """Whether the terminal that TERM names has cursor addressing.

    A terminal that terminfo does not know is assumed to be a modern one.
    """
    name = environment.get("TERM", "")
    if name in ("", "dumb", "unknown"):
        return False
    if name.startswith(ADDRESSABLE):
        return True
    try:
        import curses

        curses.setupterm(name, 1)
        return (curses.tigetstr("cup") or b"").startswith(CURSOR_ADDRESS)
    except (ImportError, curses.error):
        return True


def can_ask() -> bool:
    """Whether there is a person at a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def own_terminal() -> Callable[[str], None] | None:
    """Writes to the terminal that standard output goes to, past what filters it; None where that is no terminal."""
    output = sys.stdout
    if not output.isatty():
        return None

    def write(text: str) -> None:
        output.flush()
        with suppress(OSError):
            os.write(output.fileno(), text.encode())

    return write


def in_foreground(descriptor: int) -> bool:
    """Whether this process's job is in the foreground of the terminal.

    Raises OSError when the terminal is gone.
    """
    return os.tcgetpgrp(descriptor) == os.getpgrp()


def terminal_encoding(environment: Mapping[str, str]) -> str:
    """The encoding of the user's locale; UTF-8 if none is set or known."""
    locale = next((value for name in ("LC_ALL", "LC_CTYPE", "LANG") if (value := environment.get(name))), "")
    if locale in ("C", "POSIX") or (not locale and environment.get("TERM") == "linux"):
        return "ascii"
    name = locale.partition(".")[2].partition("@")[0]
    try:
        "".encode(name or "utf-8")
    except LookupError:
        return "utf-8"
    return name or "utf-8"


SIGNS, CELLS = "signs", "cells"
"""Names of the codec error handlers of `register_signs`. The second one keeps the width in cells."""

_NEAREST = {
    **dict.fromkeys("✓✔✅", "+"),
    **dict.fromkeys("✗✘❌×", "x"),
    **dict.fromkeys("▸▶", ">"),
    **dict.fromkeys("▾▼", "v"),
    **dict.fromkeys(map(chr, range(0x2500, 0x2580)), "+"),
    **dict.fromkeys("─━═–—−‑", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys(map(chr, range(0x2580, 0x25A0)), "#"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("•💬🤖🔧📁⚙", "*"),
    "⊘": "/",
    "↷": "-",
    "◔": "=",
    "⚠": "!",
    "ℹ": "i",
    "·": ".",
    "…": "...",
    "→": "->",
    "←": "<-",
    "↑": "^",
    "↓": "v",
    "\u00a0": " ",
}


def register_signs() -> None:
    codecs.register_error(SIGNS, _signs)  # type: ignore[arg-type]
    codecs.register_error(CELLS, _cells)  # type: ignore[arg-type]


def _signs(error: UnicodeEncodeError) -> tuple[str, int]:
    return "".join(_NEAREST.get(sign, "?" if _width(sign) else "") for sign in _refused(error)), error.end


def _cells(error: UnicodeEncodeError) -> tuple[str, int]:
    return "".join(
        _NEAREST.get(sign, "?")[:1].ljust(_width(sign))[: _width(sign)] for sign in _refused(error)
    ), error.end


def _refused(error: UnicodeEncodeError) -> str:
    return error.object[error.start : error.end]


def _width(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in ("W", "F") else 1
