"""YAML with core types: what plain scalars are, where values stand, and what is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

from stigmer_tui.core import yaml_text
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.yaml_text import MAX_DEPTH, MAX_DIGITS, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("TRUE", True),
        ("false", False),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("-12", -12),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5e3", 1500.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1_000", "1_000"),
        ("'12'", "12"),
        ("2026-11-28", "2026-11-28"),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
    ],
)
def test_values(text: str, value: Any) -> None:
    read = read_yaml(text, "a.yaml").value
    assert (read, type(read)) == (value, type(value))


def test_not_a_number() -> None:
    assert math.isnan(read_yaml(".NaN", "a.yaml").value)


def test_an_alias_is_its_value_again() -> None:
    assert read_yaml("a: &x [1]\nb: *x\n", "a.yaml").value == {"a": [1], "b": [1]}


def test_every_value_has_a_place_and_what_is_missing_that_of_what_is_around_it() -> None:
    document = read_yaml("# first\na:\n  - x\n  - b:\n      1\nc: {d: 2}\n", "a.yaml")
    assert document.where() == "a.yaml:2:1"
    assert document.where("a", 0) == "a.yaml:3:5"
    assert document.where("a", 1, "b") == "a.yaml:4:5"
    assert document.where("c", "d") == "a.yaml:6:5"
    assert document.where("c", "missing", 3) == "a.yaml:6:1"
    assert document.where("a") == "a.yaml:2:1"
    assert document.where("z") == "a.yaml:2:1"
    assert read_yaml("", "empty.yaml").where("a") == "empty.yaml:1:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [", "a.yaml:3:1 is not valid YAML: while parsing a flow"),
        ("a: 1\na: 2\n", "a.yaml:2:1 has the key 'a' twice"),
        ("1: 1\n'x': 2\n1: 3\n", "a.yaml:3:1 has the key 1 twice"),
        ("\n[a, b]: 1\n", "a.yaml:2:1 has a key that is not a plain value"),
        ("a: 1\nb: &x [*x]\n", "a.yaml:2:4 contains itself through an alias"),
        (f"a:\n  {'1' * (MAX_DIGITS + 1)}\n", f"a.yaml:2:3 has a number of more than {MAX_DIGITS} digits"),
        ("a: \x07", "a.yaml is not valid YAML: "),
        ("a: \ud800", "a.yaml is not valid UTF-8 text"),
        (
            "\n" + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
            f"a.yaml:2:101 is nested more than {MAX_DEPTH}",
        ),
    ],
)
def test_what_is_refused_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(StigmerError) as raised:
        read_yaml(text, "a.yaml")
    assert raised.value.message.startswith(message)


def test_limits_are_included() -> None:
    assert read_yaml("1" * MAX_DIGITS, "a.yaml").value == int("1" * MAX_DIGITS)
    assert read_yaml(f"'{'1' * (MAX_DIGITS + 1)}'", "a.yaml").value == "1" * (MAX_DIGITS + 1)
    deepest = read_yaml("[" * MAX_DEPTH + "]" * MAX_DEPTH, "a.yaml").value
    for _ in range(MAX_DEPTH - 1):
        (deepest,) = deepest
    assert deepest == []


def test_aliases_do_not_unfold_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_NODES", 8)
    assert read_yaml("- &a [1, 2]\n- *a\n", "a.yaml").value == [[1, 2], [1, 2]]
    with pytest.raises(StigmerError, match=r"a\.yaml:1:7 unfolds to more than 8 values"):
        read_yaml("- &a [1, 2]\n- *a\n- *a\n", "a.yaml")
