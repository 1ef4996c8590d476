"""What a person types into the form of a tool becomes what its schema asks for."""

from __future__ import annotations

from typing import Any

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.server_tools import ServerTool, typed_arguments

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
TOOL = ServerTool("notes", "say", "say", "Says it.", SCHEMA)


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
    assert typed_arguments(TOOL, {"text": "a", name: text})[name] == value


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
        typed_arguments(TOOL, {"text": "a", name: text})
    assert refused.value.message == problem


def test_what_is_left_empty_is_left_out_unless_it_is_required() -> None:
    assert typed_arguments(TOOL, {"count": " "}) == {"text": ""}
    needed = ServerTool("notes", "count", "count", "", {"properties": {"n": {"type": "integer"}}, "required": ["n"]})
    with pytest.raises(StigmerError, match="n is required"):
        typed_arguments(needed, {})


def test_what_a_form_shows_of_an_argument() -> None:
    text, count, *_ = TOOL.arguments
    assert (text.description, text.is_required, text.default) == ("What to say", True, "")
    assert (count.type, count.is_required, count.default) == ("integer", False, "3")


@pytest.mark.parametrize(
    "schema", [{}, {"properties": {"a": True}}, {"properties": {"a": {"type": ["string", "null"]}}}]
)
def test_schemas_that_say_little(schema: dict[str, Any]) -> None:
    assert [argument.type for argument in ServerTool("s", "t", "t", "", schema).arguments] == [""] * len(schema)
