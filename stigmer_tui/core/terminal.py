"""What is known about the terminal before anything is drawn, and the signs that it can show. Light to import."""

from __future__ import annotations

import codecs
import os
import unicodedata
from collections.abc import Mapping

ADDRESSABLE = ("xterm", "tmux", "screen", "linux", "rxvt", "alacritty", "foot", "wezterm", "vt100", "vt220")
"""How the names of terminals begin that need not be looked up, which takes as long as the first picture."""

CURSOR_ADDRESS = b"\x1b["
"""What the command begins with that puts the cursor somewhere, in the terminals that the app is made for."""


def is_addressable(environment: Mapping[str, str]) -> bool:
    """Whether the cursor can be put anywhere on the terminal that TERM names.

    A terminal that the system's database does not know is taken for a modern one.
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


def in_foreground(descriptor: int) -> bool:
    """Whether this process's job has the terminal; a job in the background must leave it alone.

    Raises OSError when the terminal is gone.
    """
    return os.tcgetpgrp(descriptor) == os.getpgrp()


def terminal_encoding(environment: Mapping[str, str]) -> str:
    """The encoding that the person's locale names; UTF-8 where no locale is set or known, as terminals have it."""
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
"""Error handlers of encodings, to be used after `register_signs`. The second keeps the width in cells."""

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
