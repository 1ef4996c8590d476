"""The form of a workflow that declares its input."""

from __future__ import annotations

import json

import pytest

from stigmer_tui.workbench.input_form import FieldError, input_form

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "item": {"type": "string"},
            "count": {"type": "integer", "default": 1},
            "to": {"type": "object"},
        },
        "required": ["item"],
    }
)


def test_fields_have_what_the_message_says_and_make_a_message() -> None:
    form = input_form(SCHEMA, '{"item": "tea", "to": {"street": "Ä"}, "note": "kept"}')
    assert form is not None
    assert form.texts == {"item": "tea", "to": '{"street": "Ä"}'}
    made = form.message({**form.texts, "count": "2"})
    assert json.loads(made) == {"note": "kept", "item": "tea", "count": 2, "to": {"street": "Ä"}}


def test_what_is_left_empty_has_its_default() -> None:
    form = input_form(SCHEMA, "execute")
    assert form is not None
    assert json.loads(form.message({"item": "tea", "count": "", "to": ""})) == {"item": "tea", "count": 1}


@pytest.mark.parametrize(
    ("texts", "field", "problem"),
    [
        ({"item": " "}, "item", "item is required"),
        ({"item": "tea", "count": "two"}, "count", "count is an integer, and 'two' is none"),
    ],
)
def test_what_is_wrong_names_its_field(texts: dict[str, str], field: str, problem: str) -> None:
    form = input_form(SCHEMA, "")
    assert form is not None
    with pytest.raises(FieldError) as refused:
        form.message(texts)
    assert (refused.value.field, refused.value.message) == (field, problem)


def test_a_schema_without_fields_is_asked_for_as_a_message() -> None:
    assert input_form("", "") is None
    assert input_form('{"type": "object"}', "") is None
