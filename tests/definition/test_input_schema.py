"""The input of a workflow that declares a schema."""

from __future__ import annotations

import json

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.input_schema import check_schema, complete_input

SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {
            "item": {"type": "string"},
            "count": {"type": "integer", "default": 1},
            "size": {"enum": ["S", "L"]},
            "to": {"anyOf": [{"type": "object", "required": ["street"]}, {"type": "null"}]},
            "lines": {"type": "array", "items": {"type": "object", "required": ["price"]}},
        },
        "required": ["item"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("message", "complete"),
    [
        ('{"item": "tea"}', '{"item": "tea", "count": 1}'),
        ('{"item":"tea","count":2}', '{"item":"tea","count":2}'),
    ],
)
def test_defaults_are_filled_in_and_what_is_complete_stays_as_it_is(message: str, complete: str) -> None:
    assert complete_input(SCHEMA, message) == complete


def test_without_a_message_the_defaults_are_the_input() -> None:
    assert complete_input('{"type": "object", "properties": {"n": {"default": 3}}}', " ") == '{"n": 3}'
    assert complete_input('{"type": "object"}', "") == "{}"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("", "The input does not fit: item is required"),
        ("execute", "The input is not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[1]", "The input is JSON, but no object"),
        ('{"item": 7}', "The input does not fit: item: 7 is not of type 'string'"),
        ('{"item": "a", "size": "M"}', "The input does not fit: size: 'M' is not one of ['S', 'L']"),
        ('{"item": "a", "lines": [{"price": 1}, {}]}', "The input does not fit: lines[1].price is required"),
        ('{"item": "a", "to": {}}', "The input does not fit: to.street is required"),
        (
            '{"item": "a", "cuont": 2}',
            "The input does not fit: Additional properties are not allowed ('cuont' was unexpected)",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(message: str, problem: str) -> None:
    with pytest.raises(StigmerError) as refused:
        complete_input(SCHEMA, message)
    assert refused.value.message == problem
    assert refused.value.advice


def test_a_schema_refers_to_nothing_elsewhere() -> None:
    with pytest.raises(StigmerError, match="refers to an-other-schema, which is not in it"):
        complete_input('{"type": "object", "$ref": "an-other-schema"}', "{}")


@pytest.mark.parametrize("schema", [{"type": "string"}, {}, {"type": "object", "properties": {"a": {"type": "txt"}}}])
def test_what_is_no_schema_of_an_object_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(StigmerError, match="The schema of the input"):
        check_schema(schema)
