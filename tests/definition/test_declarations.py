"""What the code says of its variables, as an annotation."""

from __future__ import annotations

import pytest

from stigmer_tui.definition.variables import VARIABLES_ANNOTATION, read_declarations, write_declarations


def test_order_and_empty_defaults_are_kept() -> None:
    declarations = {"ZONE": None, "SUFFIX": "", "ALPHA": "a"}
    read = read_declarations({VARIABLES_ANNOTATION: write_declarations(declarations)})
    assert list(read.items()) == list(declarations.items())


@pytest.mark.parametrize("text", ["", "no", "[]", "3", "[" * 100_000])
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    assert read_declarations({VARIABLES_ANNOTATION: text}) == {}
    assert read_declarations({}) == {}
