"""Nothing that a text contains reaches the terminal as a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.tui.render.cells import clean, clean_lines, one_line


@pytest.mark.parametrize(
    ("dirty", "harmless"),
    [
        ("plain text, naïve “quotes” – 日本語", "plain text, naïve “quotes” – 日本語"),
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;9mloud\x1b[m", "red and loud"),
        ("\x1b[2J\x1b[H\x1b[?1049hgone", "gone"),
        ("\x1b]0;title\x07text\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "textlink"),
        ("\x1bPdevice\x1b\\control", "control"),
        ("unfinished \x1b[38;2", "unfinished "),
        ("unfinished \x1b]0;title", "unfinished "),
        ("a\tb", "a   b"),
        ("bell\x07 null\x00 delete\x7f", "bell␇ null␀ delete␡"),
        ("c1 \x9b31m \x85", "c1 �31m �"),
        ("safe\u202etxt.exe\u202c", "safetxt.exe"),
        ("zero\u2060width\ufeff and soft\u00adhyphen", "zerowidth and softhyphen"),
        ("hidden\U000e0041\U000e0042", "hidden"),
        ("lone \ud800 half", "lone � half"),
    ],
)
def test_what_could_harm_is_gone_or_visible(dirty: str, harmless: str) -> None:
    assert clean(dirty) == harmless


@pytest.mark.parametrize(
    ("varied", "parts"),
    [("👨‍👩‍👧", "👨👩👧"), ("❤️", "❤"), ("👍🏽", "👍"), ("1️⃣", "1")],
)
def test_emoji_on_whose_width_terminals_disagree_become_their_parts(varied: str, parts: str) -> None:
    assert clean(varied) == parts


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    for line in clean_lines(text):
        assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in line)
        line.encode()


def test_an_overwritten_line_shows_its_last_form() -> None:
    assert clean_lines("10 %\r50 %\r100 %\r\ndone\r\n") == ["100 %", "done", ""]


def test_white_space_of_any_kind_is_one_blank_in_one_line() -> None:
    assert one_line("a\n\n  b\t c") == "a b c"
