"""Colours of source code and of JSON values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from stigmer_tui.tui.render.code import coloured, coloured_one_by_one
from stigmer_tui.tui.render.styled_rows import Spans, StyleRole, text_of
from stigmer_tui.tui.render.values import MAX_LINES, ValueLine, value_line, value_lines

PYTHON = ["def f(x):", '    """Doc', "    of f.", '    """', "    return x + 1  # why", "", "x = 'y'"]


def texts(lines: Iterable[Spans | ValueLine]) -> list[str]:
    return [text_of(line.spans if isinstance(line, ValueLine) else line) for line in lines]


def roles(line: Spans) -> dict[str, StyleRole]:
    return {text.strip(): role for text, role in line if role}


def test_code_is_coloured_by_what_its_words_are() -> None:
    lines = coloured("python", PYTHON)
    assert texts(lines) == PYTHON
    assert roles(lines[0])["def"] is StyleRole.KEYWORD
    assert roles(lines[0])["f"] is StyleRole.NAME
    assert roles(lines[2])["of f."] is StyleRole.TEXT_VALUE
    assert roles(lines[4])["1"] is StyleRole.NUMBER
    assert roles(lines[4])["# why"] is StyleRole.COMMENT


def test_line_by_line_it_is_coloured_as_a_whole() -> None:
    assert coloured_one_by_one("python", PYTHON) == coloured("python", PYTHON)


@pytest.mark.parametrize("language", ["", "no-such-language", "../../etc"])
def test_a_language_that_nobody_knows_has_no_colours(language: str) -> None:
    assert coloured(language, ["a = 1"]) == [(("a = 1", StyleRole.TEXT),)]


def test_a_difference_shows_what_came_and_what_went() -> None:
    lines = coloured("diff", ["+new", "-old"])
    assert [line[0][1] for line in lines] == [StyleRole.COMPLETED, StyleRole.FAILED]


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        (None, ["null"]),
        (3, ["3"]),
        (True, ["true"]),
        ("a\nb", ["a", "b"]),
        ("a\n", ['"a\\n"']),
        (
            {"id": 3, "note": "one\n\n  two", "in": ["a\nb", 4]},
            [
                "{",
                '  "id": 3,',
                '  "note":',
                "    one",
                "    ",
                "      two",
                '  "in": [',
                "      a",
                "      b",
                "    4",
                "  ]",
                "}",
            ],
        ),
        ([], ["[]"]),
        ({}, ["{}"]),
        ([1, 2, 3], ["[1, 2, 3]"]),
        ({"id": 3, "name": "x"}, ['{"id": 3, "name": "x"}']),
        (
            {"id": 3, "tags": ["a", "b"], "stock": {"here": [1, {"x": None}]}},
            [
                "{",
                '  "id": 3,',
                '  "tags": ["a", "b"],',
                '  "stock": {',
                '    "here": [',
                "      1,",
                '      {"x": null}',
                "    ]",
                "  }",
                "}",
            ],
        ),
    ],
)
def test_values_take_the_lines_that_they_need(value: Any, lines: list[str]) -> None:
    assert texts(value_lines(value)) == lines


def test_a_huge_value_is_cut_and_says_so() -> None:
    lines = value_lines([{"number": number, "items": [[]] * 2} for number in range(10_000)])
    assert len(lines) == MAX_LINES + 1
    assert "more than is shown here" in text_of(lines[-1].spans)


def test_a_long_text_is_cut_before_anybody_measures_it() -> None:
    assert len(text_of(value_line("x" * 1_000_000))) < 1_000


def test_control_characters_in_values_are_harmless() -> None:
    assert "\x1b" not in text_of(value_line({"a\x1b[1m": "\x1b[31m\u202e"}))
