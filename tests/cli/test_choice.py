"""Point 25: one of several resources is chosen in a list in place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from stigmer_tui.cli.choice import KEY, UNFINISHED_KEY, ChoiceList, Decision

LABELS = ["[Workflow] greet - Says hello", "[Agent] clerk", "[Workflow] tally"] + [
    f"[Agent] a{n}" for n in range(4, 13)
]

DOWN, UP, HOME, END = "\x1b[B", "\x1b[A", "\x1b[H", "\x1b[F"


@pytest.mark.parametrize(
    ("keys", "selected"),
    [
        ([], 0),
        ([DOWN], 1),
        ([UP], 11),
        (["\x1bOB", "\x1bOB", "\x1bOA"], 1),
        ([END], 11),
        ([END, HOME], 0),
        (list("clerk"), 1),
        (list("work"), 0),
        ([*"work", DOWN], 2),
        ([*"work", UP], 2),
        # A number is that of its line, and hides no other.
        (["3"], 2),
        (["1", "2"], 11),
        (["3", DOWN], 3),
        # Where it is none, it is text as any other.
        ([*"a1", "1"], 10),
        ([*"clerk", "\x15"], 1),
        ([*"tally", *["\x7f"] * 5], 2),
        (["\x1b[5n", "\x00"], 0),
    ],
)
def test_what_is_chosen(keys: Sequence[str], selected: int) -> None:
    choices = ChoiceList(LABELS)
    assert all(choices.press(key) is Decision.NONE for key in keys)
    assert choices.press("\r") is Decision.CHOSEN
    assert choices.selected == selected


def test_nothing_is_chosen_where_nothing_matches() -> None:
    choices = ChoiceList(LABELS)
    for key in "nix":
        choices.press(key)
    assert choices.rows(5) == ["  nothing matches"]
    assert choices.press(DOWN) is choices.press("\r") is Decision.NONE


@pytest.mark.parametrize("key", ["\x1b", "\x03", "\x04"])
def test_it_can_be_left(key: str) -> None:
    assert ChoiceList(LABELS).press(key) is Decision.LEFT


@pytest.mark.parametrize("limit", [1, 3, 20])
def test_the_selected_line_is_always_among_those_shown(limit: int) -> None:
    choices = ChoiceList(LABELS)
    for _ in LABELS:
        rows = choices.rows(limit)
        assert len(rows) == min(limit, len(LABELS))
        assert [row for row in rows if row.startswith("> ")] == [
            f"> {choices.selected + 1:>2}  {LABELS[choices.selected]}"
        ]
        choices.press(DOWN)


def test_keys_are_told_apart() -> None:
    assert KEY.findall("a\x1b[B\x1bOA日\x1b[1;5C\r\x1b") == ["a", "\x1b[B", "\x1bOA", "日", "\x1b[1;5C", "\r", "\x1b"]
    assert [bool(UNFINISHED_KEY.search(text)) for text in ("a\x1b", "\x1b[", "\x1bO", "\x1b[B", "a")] == [
        *[True] * 3,
        *[False] * 2,
    ]
