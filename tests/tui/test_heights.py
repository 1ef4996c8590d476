"""Heights behave as a plain list of numbers would, only faster."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_tui.tui.widgets import heights
from stigmer_tui.tui.widgets.heights import Heights

inserts = st.lists(st.tuples(st.floats(0, 1), st.lists(st.integers(0, 5), max_size=12)), max_size=15)


@given(inserts, st.data())
def test_sums_and_places_are_those_of_a_list(steps: list[tuple[float, list[int]]], data: st.DataObject) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heights, "BLOCK", 4)
        kept, plain = Heights(), list[int]()
        for share, new in steps:
            index = round(share * len(plain))
            kept.insert(index, new)
            plain[index:index] = new
        if plain:
            changed = data.draw(st.integers(0, len(plain) - 1))
            kept[changed] = plain[changed] = 3
        assert [kept[index] for index in range(len(plain))] == plain
        assert kept.total == sum(plain)
        for index in range(len(plain) + 1):
            assert kept.before(index) == sum(plain[:index])
            shown = [place for place, height in enumerate(plain) if height]
            assert kept.next_shown(index) == next((place for place in shown if place >= index), None)
            if index < len(plain):
                assert kept.previous_shown(index) == next((place for place in reversed(shown) if place <= index), None)
        rows = [(index, row) for index, height in enumerate(plain) for row in range(height)]
        assert [kept.at(row) for row in range(len(rows))] == rows


def test_without_entries_there_is_nothing() -> None:
    empty = Heights()
    assert (len(empty), empty.total, empty.before(0)) == (0, 0, 0)
    assert empty.next_shown(0) is None
    assert empty.previous_shown(-1) is None
