"""The input of a workflow that declares a schema: the JSON object in the message of a run, completed and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.definition.extensions import INPUT, input_schema_in

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

MAX_PROBLEMS = 5
"""So many are told."""


def check_schema(schema: Mapping[str, Any]) -> None:
    """Raises StigmerError for one that describes no object, or is no schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if schema.get("type") != "object":
        raise StigmerError('The schema of the input describes no JSON object: its type is not "object"')
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = f" at {path}" if (path := _path(error.absolute_path)) else ""
        raise StigmerError(f"The schema of the input is wrong{where}: {error.message}") from None


def complete_input(schema_text: str, message: str) -> str:
    """The message with the defaults of the fields that it leaves out; without a message, these alone.

    Raises StigmerError for one that does not fit, naming each field by its path.
    """
    validator = _validator(schema_text)
    given = _object(message)
    defaults = {
        name: about["default"]
        for name, about in validator.schema.get("properties", {}).items()
        if isinstance(about, dict) and name not in given and about.get("default") is not None
    }
    complete = {**given, **defaults}
    if problems := _problems(validator, complete):
        first, *others = _sentences(problems)
        raise StigmerError(f"The input does not fit: {first}", "\n".join([*others, _example(validator.schema)]))
    return json.dumps(complete, ensure_ascii=False) if defaults or not message.strip() else message


def _problems(validator: Draft202012Validator, value: Any) -> list[ValidationError]:
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    try:
        # Of alternatives, what is wrong with the one that was most likely meant.
        found = [best_match([problem]) for problem in validator.iter_errors(value)]
        return sorted(found, key=lambda problem: _path(problem.absolute_path))
    except Unresolvable as error:
        raise StigmerError(
            f"The schema of the input refers to {error.ref}, which is not in it", "Put the definition into its $defs."
        ) from None


def _object(message: str) -> dict[str, Any]:
    if not message.strip():
        return {}
    try:
        value = from_json(message)
    except ValueError as error:
        advice = "The workflow declares the fields of its input, so the message is a JSON object."
        raise StigmerError(f"The input is not JSON: {error}", advice) from None
    if not isinstance(value, dict):
        raise StigmerError("The input is JSON, but no object", 'It has fields: {"name": …}')
    return value


@lru_cache(maxsize=16)
def _validator(schema_text: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator
    from referencing import Registry

    # A registry of our own: otherwise, what a schema refers to would be fetched from anywhere.
    return Draft202012Validator(input_schema_in({INPUT: schema_text}) or {}, registry=Registry())


def _sentences(problems: Iterable[ValidationError]) -> list[str]:
    said = list(dict.fromkeys(sentence for problem in problems for sentence in _said(problem)))
    return said if len(said) <= MAX_PROBLEMS else [*said[:MAX_PROBLEMS], f"and {len(said) - MAX_PROBLEMS} more"]


def _said(problem: ValidationError) -> Iterator[str]:
    """Such as `items[0].price is required`, or `size: 'big' is not one of ['S', 'M']`."""
    path = _path(problem.absolute_path)
    if problem.validator == "required":
        missing = (name for name in problem.validator_value if name not in problem.instance)
        yield from (f"{_path([*problem.absolute_path, name])} is required" for name in missing)
    else:
        yield f"{path}: {problem.message}" if path else str(problem.message)


def _path(parts: Iterable[str | int]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def _example(schema: Mapping[str, Any]) -> str:
    """How the fields are given on a command line."""
    required = schema.get("required") or list(schema.get("properties", {}))[:1]
    return "Give it as JSON: --message '{" + ", ".join(f'"{name}": …' for name in required) + "}'"
