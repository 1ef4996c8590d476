"""Point 26: signs that each terminal draws in one cell, and none as a picture."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from wcwidth import wcwidth
from wcwidth.table_vs16 import VS16_NARROW_TO_WIDE

import stigmer_tui.tui
import stigmer_tui.workbench
from stigmer_tui.tui.render.glyphs import ASCII, UNICODE

PICTURES = {chr(code) for start, end in VS16_NARROW_TO_WIDE["9.0.0"] for code in range(start, end + 1)}
"""Signs that are text by themselves, and that many terminals draw as a wide emoji for all that."""


def test_no_sign_of_the_screen_is_drawn_as_a_picture() -> None:
    folders = [Path(next(iter(package.__path__))) for package in (stigmer_tui.tui, stigmer_tui.workbench)]
    texts = [file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*.py")]
    signs = {sign for text in texts for sign in text if not sign.isascii()}
    assert "▸" in signs
    assert not [sign for sign in signs if sign in PICTURES]


def test_states_are_one_cell_wide_also_where_ambiguous_signs_are_wide() -> None:
    for state, sign in UNICODE.states.items():
        assert wcwidth(sign) == 1, state
        # The middle dot is ambiguous, as are the lines between regions; no other state is.
        assert sign == "·" or unicodedata.east_asian_width(sign) in ("N", "Na"), state
    assert len(set(UNICODE.states.values())) == len(UNICODE.states)
    assert all(sign.isascii() for sign in ASCII.states.values())
