"""Signs for terminals whose encoding has not all of them: the nearest that there is."""

from __future__ import annotations

import codecs
import unicodedata

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
