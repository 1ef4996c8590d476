"""Long texts for whoever has no room for them."""

from __future__ import annotations

from stigmer_tui.core.shortening import without_middle


def test_a_text_that_is_not_too_long_stays_as_it_is() -> None:
    assert without_middle("abcd", 4) == "abcd"


def test_of_a_longer_one_both_ends_stay_and_the_gap_says_how_much_is_missing() -> None:
    assert without_middle("abcdefgh", 4) == "ab … gh"
    assert without_middle("abcdefgh", 4, lambda left_out: f"({left_out})") == "ab(4)gh"
