"""What the code says of its variables, as an annotation."""

from __future__ import annotations

import pytest

from stigmer_tui.definition import extensions


def test_order_and_empty_defaults_are_kept() -> None:
    declarations = {"ZONE": None, "SUFFIX": "", "ALPHA": "a"}
    read = extensions.read_declarations({extensions.VARIABLES: extensions.write_declarations(declarations)})
    assert list(read.items()) == list(declarations.items())


@pytest.mark.parametrize("text", ["", "no", "[]", "3", "[" * 100_000])
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert extensions.read_declarations({extensions.VARIABLES: text}) == {}
    assert extensions.read_declarations({}) == {}
