"""How values of Python stand in the configuration of a task (`docs/compatibility.md` 84, 147)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from stigmer_tui.sdk.expressions import (
    MAX_LEVELS,
    Expression,
    Secret,
    source_of,
    too_deep,
    whole_text,
    written,
)
from stigmer_tui.sdk.mistakes import DefinitionError

Text: TypeAlias = "str | Expression | Secret"
"""A text, or something that is formatted into one."""
Value: TypeAlias = "Expression | Secret | str | float | bool | Mapping[str, Any] | list[Any] | tuple[Any, ...] | None"
"""Data, with expressions and secrets anywhere in it."""

MAX_AGENT_TIMEOUT = 3600
"""Seconds."""
EXACT = 2**53
"""The first integer that JSON on the wire may round."""

_RESOURCE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TASK_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_DIRECTIVES = ("continue", "exit", "end")


def text_value(value: object, what: str) -> str:
    """A text in which expressions may stand."""
    match value:
        case str() | Expression() | Secret():
            return written(value)
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            raise DefinitionError(f"{what} must be a text, not {_a(value)}", "An f-string makes a text of anything.")


def text_values(values: object, what: str) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise DefinitionError(f"{what} must be a mapping, not {_a(values)}", 'Such as {"Accept": "text/plain"}.')
    return {literal_text(key, f"A key of {what}"): text_value(item, f"{what}[{key!r}]") for key, item in values.items()}


def typed_text(value: Value) -> str:
    """A value as the text of a SET variable, which keeps the type: texts as they are, all else as an expression."""
    return written(value if isinstance(value, str | Expression | Secret) else Expression(source_of(value)))


def json_value(value: Value, what: str, level: int = 0) -> Any:
    """A value as JSON, in which each expression is a text of its own."""
    if level > MAX_LEVELS:
        raise too_deep()
    match value:
        case None | bool():
            return value
        case str() | Expression() | Secret():
            return written(value)
        case int() | float():
            if not -EXACT <= value <= EXACT and isinstance(value, int):
                raise DefinitionError(f"{what} is too large for a number in JSON", "Write it as a text.")
            if value - value != 0:
                raise DefinitionError(f"{what} is {value}, which JSON cannot hold", "Use a finite number.")
            return value
        case Mapping():
            return {
                literal_text(key, f"A key of {what}"): json_value(item, f"{what}[{key!r}]", level + 1)
                for key, item in value.items()
            }
        case list() | tuple():
            return [json_value(item, f"{what}[{index}]", level + 1) for index, item in enumerate(value)]
        case _:
            raise DefinitionError(
                f"{what} cannot be {_a(value)}",
                "Use texts, numbers, True, False, None, lists and mappings of them, or references.",
            )


def literal_text(value: object, what: str) -> str:
    """A text that is known now."""
    if not isinstance(value, str) or "${" in value:
        raise DefinitionError(
            f"{what} must be a text that is known when the workflow is written, not {_a(value)}",
            "References have their value only when the workflow runs.",
        )
    return whole_text(value)


def literal_number(value: object, what: str, least: int, most: int) -> int:
    """A whole number that is known now."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise DefinitionError(
            f"{what} must be a whole number that is known when the workflow is written, not {_a(value)}",
            f"Write a number from {least} to {most}.",
        )
    if not least <= value <= most:
        shown = value if abs(value) < 10**30 else "a number of more than 30 digits"
        raise DefinitionError(f"{what} is {shown}", f"It must be from {least} to {most}.")
    return value


def web_address(value: object) -> str:
    url = text_value(value, "The URL")
    if not url.startswith(("http://", "https://", "${")):
        raise DefinitionError(f"{url!r} is not a valid URL", "Write all of it: https://shop.example/orders.")
    return url


def loop_items(value: object) -> str:
    """What a loop goes through, as one expression."""
    match value:
        case Expression():
            return written(value)
        case bool() | str() | None:
            raise DefinitionError(
                f"A loop cannot go through {_a(value)}", "Pass a reference, a list, or how many turns there are."
            )
        case _:
            return written(Expression(source_of(value)))


def execution_config(model: object, timeout: object, temperature: object) -> dict[str, Any]:
    """How a called agent runs; empty when nothing is said about it."""
    config: dict[str, Any] = {}
    if model:
        config["model"] = literal_text(model, "model")
    if temperature is not None:
        if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 <= temperature <= 1:
            raise DefinitionError(f"temperature is {temperature!r}", "It is a number from 0 to 1.")
        config["temperature"] = temperature
    if config or timeout is not None:
        # Existing servers refuse a configuration without a time limit (`docs/compatibility.md` 83).
        limit = MAX_AGENT_TIMEOUT if timeout is None else timeout
        config["timeout"] = literal_number(limit, "timeout", 1, MAX_AGENT_TIMEOUT)
    return config


def resource_name(value: object, what: str) -> str:
    """A name that is its own slug."""
    name = literal_text(value, f"The name of {what}")
    if not _RESOURCE_NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
        advice = "Use at most 63 lower-case letters, digits and hyphens, no hyphen at the ends"
        noun = what.partition(" ")[2]
        raise DefinitionError(f"{name!r} is not a valid {noun} name", f'{advice}: "{suggestion or "answer-mail"}".')
    return name


def task_name(value: object) -> str:
    name = literal_text(value, "The name of a task")
    if not _TASK_NAME.fullmatch(name):
        suggestion = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:100]
        advice = "Use at most 100 letters, digits, underscores and hyphens"
        raise DefinitionError(f"{name!r} is not a valid task name", f'{advice}: "{suggestion or "fetch"}".')
    if name in _DIRECTIVES:
        raise DefinitionError(
            f'"{name}" is not a valid task name: in a jump it means something else', "Choose another."
        )
    return name


def _a(value: object) -> str:
    match value:
        case Expression():
            return "a reference"
        case Secret():
            return "a secret"
        case str():
            return "a text with an expression in it" if "${" in value else "a text"
        case None:
            return "None"
        case _:
            return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"
