"""Text in cells: widths, cutting, wrapping."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from stigmer_tui.tui.render.cells import NARROW, cells, clean, cut, wrap
from stigmer_tui.tui.render.styled_rows import StyleRole, text_of

mixed = st.text(st.sampled_from("ab  é日本e\u0301—…👍")).map(clean)


def wrapped(text: str, width: int) -> list[str]:
    return [text_of(row) for row in wrap(((text, StyleRole.TEXT),), width)]


@given(mixed)
def test_cells_are_counted_as_the_framework_counts_them(text: str) -> None:
    assert cells(text) == cell_len(text)


def test_what_is_taken_for_narrow_is_narrow() -> None:
    every = (chr(code) for code in range(0x3000))
    assert all(cell_len(character) == 1 for character in every if NARROW.fullmatch(character))


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("anything", 1, "…"),
        ("anything", 0, ""),
        ("anything", -3, ""),
    ],
)
def test_what_is_too_long_ends_in_an_ellipsis(text: str, width: int, expected: str) -> None:
    assert cut(text, width, "…") == expected


@pytest.mark.parametrize(
    ("text", "width", "rows"),
    [
        ("the quick brown fox", 10, ["the quick", "brown fox"]),
        ("the quick", 9, ["the quick"]),
        ("incomprehensibilities", 8, ["incompre", "hensibil", "ities"]),
        ("    indented code stays", 12, ["    indented", "code stays"]),
        ("日本語のテキスト", 6, ["日本語", "のテキ", "スト"]),
        ("mixed 日本語 text", 8, ["mixed 日", "本語", "text"]),
        ("e\u0301" * 6, 4, ["e\u0301" * 4, "e\u0301" * 2]),
        ("", 5, [""]),
        ("a", 0, ["a"]),
    ],
)
def test_text_wraps_at_blanks_and_between_wide_characters(text: str, width: int, rows: list[str]) -> None:
    assert wrapped(text, width) == rows


@given(mixed, st.integers(2, 12))
def test_no_row_is_too_wide_and_nothing_but_blanks_is_lost(text: str, width: int) -> None:
    rows = wrapped(text, width)
    assert all(cells(row) <= width for row in rows)
    assert "".join(rows).replace(" ", "") == text.replace(" ", "")


@given(
    st.lists(st.tuples(mixed, st.sampled_from([StyleRole.TEXT, StyleRole.STRONG, StyleRole.CODE]))), st.integers(2, 12)
)
def test_every_character_keeps_its_ink(spans: list[tuple[str, StyleRole]], width: int) -> None:
    def inked(parts: list[tuple[str, StyleRole]]) -> list[tuple[str, StyleRole]]:
        return [(character, role) for text, role in parts for character in text if character != " "]

    assert inked([span for row in wrap(spans, width) for span in row]) == inked(spans)
