"""What a person types into the fields of a schema becomes what it asks for."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.schema_fields import fields_of, typed_values

SCHEMA = {
    "properties": {
        "text": {"type": "string", "description": "What to say"},
        "count": {"type": "integer", "default": 3},
        "size": {"type": "number"},
        "loud": {"type": "boolean"},
        "how": {"type": "string", "enum": ["slow", "fast"]},
        "names": {"type": "array"},
        "anything": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "required": ["text"],
}
FIELDS = fields_of(SCHEMA)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "7", "7"),
        ("count", "7", 7),
        ("size", "1.5", 1.5),
        ("size", "2", 2),
        ("loud", "true", True),
        ("how", "fast", "fast"),
        ("names", '["a"]', ["a"]),
        ("anything", "7", 7),
        ("anything", "seven", "seven"),
    ],
)
def test_a_text_becomes_what_the_schema_asks_for(name: str, text: str, value: Any) -> None:
    assert typed_values(FIELDS, {"text": "a", name: text})[name] == value


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("count", "seven", "count is an integer, and 'seven' is none"),
        ("count", "1.5", "count is an integer, and '1.5' is none"),
        ("count", "true", "count is an integer, and 'true' is none"),
        ("loud", "1", "loud is a boolean, and '1' is none"),
        ("how", "so", "how is one of slow, fast"),
    ],
)
def test_a_text_of_another_type_is_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(StigmerError) as refused:
        typed_values(FIELDS, {"text": "a", name: text})
    assert refused.value.message == problem


def test_what_is_left_empty_is_left_out_unless_it_is_required() -> None:
    assert typed_values(FIELDS, {"count": " "}) == {"text": ""}
    needed = fields_of({"properties": {"n": {"type": "integer"}}, "required": ["n"]})
    with pytest.raises(StigmerError, match="n is required"):
        typed_values(needed, {})


def test_what_a_form_shows_of_a_field() -> None:
    text, count, *_ = FIELDS
    assert (text.description, text.is_required, text.default) == ("What to say", True, "")
    assert (count.type, count.is_required, count.default) == ("integer", False, "3")


@pytest.mark.parametrize(
    "schema", [{}, {"properties": {"a": True}}, {"properties": {"a": {"type": ["string", "null"]}}}]
)
def test_schemas_that_say_little(schema: dict[str, Any]) -> None:
    assert [field.type for field in fields_of(schema)] == [""] * len(schema)


def test_what_pydantic_says_of_a_field_is_found() -> None:
    class Size(StrEnum):
        SMALL = "S"
        LARGE = "L"

    class Address(BaseModel):
        street: str

    class Order(BaseModel):
        size: Size
        to: Address
        gift: Address | None = None
        count: int | None = Field(None, description="How many")

    size, to, gift, count = fields_of(Order.model_json_schema())
    assert (size.choices, size.type) == (("S", "L"), "string")
    assert (to.type, to.is_required, gift.type, gift.is_required) == ("object", True, "object", False)
    assert (count.type, count.description) == ("integer", "How many")
