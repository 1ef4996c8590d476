"""Python values in the configuration of a task (`docs/compatibility.md` 84, 147)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from stigmer_tui.sdk.errors import DefinitionError
from stigmer_tui.sdk.expressions import (
    MAX_LEVELS,
    Expression,
    JqProgram,
    Secret,
    program_of,
    task_text,
    too_deep,
    valid_text,
)
from stigmer_tui.sdk.placeholders import OPENING
from stigmer_tui.sdk.registry import current_registry

Text: TypeAlias = "str | Expression | Secret"
"""A text, or an expression or a secret that gives one."""
Value: TypeAlias = "Expression | Secret | str | float | bool | Mapping[str, Any] | list[Any] | tuple[Any, ...] | None"
"""Data, with expressions and secrets anywhere in it."""

QueryValue: TypeAlias = "Text | float | list[Any] | tuple[Any, ...]"
"""The value of a query parameter: a text or a number, or several of them."""

MAX_AGENT_TIMEOUT = 3600
"""Seconds."""
EXACT = 2**53
"""The first integer that JSON on the wire may round."""

_RESOURCE_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_TASK_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")
_DIRECTIVES = ("continue", "exit", "end")


def text_value(value: object, what: str) -> str:
    """A text, with expressions in it. Raises DefinitionError for values that are not text; `what` names it."""
    match value:
        case str() | Expression() | Secret():
            return task_text(value)
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            raise DefinitionError(f"{what} must be a text, not {_a(value)}", "An f-string makes a text of anything.")


def text_values(values: object, what: str) -> dict[str, str]:
    """A mapping of texts. Raises DefinitionError for anything else; `what` names it."""
    if not isinstance(values, Mapping):
        raise DefinitionError(f"{what} must be a mapping, not {_a(values)}", 'Such as {"Accept": "text/plain"}.')
    return {literal_text(key, f"A key of {what}"): text_value(item, f"{what}[{key!r}]") for key, item in values.items()}


def typed_text(value: Value) -> str:
    """A value as text that keeps its type: texts stay, everything else becomes an expression."""
    return task_text(value if isinstance(value, str | Expression | Secret) else Expression(program_of(value)))


def json_value(value: Value, what: str, level: int = 0) -> Any:
    """A value as JSON, in which each expression is a text of its own.

    Raises DefinitionError for what JSON cannot hold; `what` names the value.
    """
    if level > MAX_LEVELS:
        raise too_deep()
    match value:
        case None | bool():
            return value
        case str() | Expression() | Secret():
            return task_text(value)
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


MIN_INSTRUCTIONS_LENGTH = 10
"""Characters (`docs/compatibility.md` 100)."""


def instructions_text(value: object, whose: str) -> str:
    """Instructions for a model. Raises DefinitionError for what is too short to be any."""
    text = literal_text(value, "instructions")
    if len(text.strip()) < MIN_INSTRUCTIONS_LENGTH:
        raise DefinitionError(
            f"The instructions of {whose} are shorter than {MIN_INSTRUCTIONS_LENGTH} characters",
            "Say what it is there for and how it answers.",
        )
    return text


def literal_text(value: object, what: str) -> str:
    """A text without expressions. Raises DefinitionError for anything else; `what` names it."""
    if not isinstance(value, str) or OPENING in value:
        raise DefinitionError(
            f"{what} must be a text that is known when the workflow is written, not {_a(value)}",
            "References have their value only when the workflow runs.",
        )
    return valid_text(value)


def literal_number(value: object, what: str, least: int, most: int) -> int:
    """A whole number from `least` to `most`. Raises DefinitionError for anything else; `what` names it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise DefinitionError(
            f"{what} must be a whole number that is known when the workflow is written, not {_a(value)}",
            f"Write a number from {least} to {most}.",
        )
    if not least <= value <= most:
        shown = value if abs(value) < 10**30 else "a number of more than 30 digits"
        raise DefinitionError(f"{what} is {shown}", f"It must be from {least} to {most}.")
    return value


def url_with_params(value: object, params: object) -> str:
    """A URL with query parameters, which are percent-encoded, expressions when the workflow runs.

    Raises DefinitionError for what is not an HTTP URL, and for parameters that are not texts, numbers or lists of them.
    """
    url = text_value(value, "The URL")
    if not url.startswith(("http://", "https://", OPENING)):
        raise DefinitionError(f"{url!r} is not a valid URL", "Write all of it: https://shop.example/orders.")
    if not params:
        return url
    if not isinstance(params, Mapping):
        raise DefinitionError(f"params must be a mapping, not {_a(params)}", 'Such as {"page": 2}.')
    query = "&".join(
        f"{quote(literal_text(key, 'A key of params'), safe='')}={_query_value(item, f'params[{key!r}]')}"
        for key, items in params.items()
        for item in (items if isinstance(items, list | tuple) else [items])
    )
    return f"{url}{_query_separator(url)}{query}" if query else url


def _query_value(value: object, what: str) -> str:
    text = text_value(value, what)
    if OPENING not in text:
        return quote(text, safe="")
    program = value.__stigmer__ if isinstance(value, Expression | Secret) else program_of(text)
    return task_text(Expression(JqProgram(f"{program.term} | tostring | @uri", False, program.sources)))


def _query_separator(url: str) -> str:
    literals = current_registry().placeholders.literals_in(url)
    if any("#" in part for part in literals):
        raise DefinitionError(f"{url!r} has a fragment, which is never sent", "Leave out the “#” and what follows it.")
    if any("?" in part for part in literals):
        return "&"
    if literals:
        return "?"
    # All of the URL is an expression, such as a link to the next page: the run sees whether it has a query.
    program = program_of(url)
    test = f'if {program.term} | contains("?") then "&" else "?" end'
    return task_text(Expression(JqProgram(test, False, program.sources)))


def loop_items(value: object) -> str:
    """The items of a loop, as one expression. Raises DefinitionError for what cannot be iterated over."""
    match value:
        case Expression():
            return task_text(value)
        case bool() | str() | None:
            raise DefinitionError(
                f"A loop cannot iterate over {_a(value)}", "Pass a reference, a list, or the number of iterations."
            )
        case _:
            return task_text(Expression(program_of(value)))


def execution_config(model: object, timeout: object, temperature: object) -> dict[str, Any]:
    """How a called agent runs; empty where the caller does not say."""
    config: dict[str, Any] = {}
    if model:
        config["model"] = literal_text(model, "model")
    if (checked := temperature_value(temperature)) is not None:
        config["temperature"] = checked
    if config or timeout is not None:
        # Existing servers refuse a configuration without a time limit (`docs/compatibility.md` 83).
        limit = MAX_AGENT_TIMEOUT if timeout is None else timeout
        config["timeout"] = literal_number(limit, "timeout", 1, MAX_AGENT_TIMEOUT)
    return config


def temperature_value(value: object) -> float | None:
    """A temperature, or None. Raises DefinitionError for anything but a number from 0 to 1."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DefinitionError(f"temperature is {value!r}", "It is a number from 0 to 1.")
    return value


def resource_name(value: object, what: str) -> str:
    """A name that is its own slug. Raises DefinitionError for anything else; `what` is "an agent" or the like."""
    name = literal_text(value, f"The name of {what}")
    if not _RESOURCE_NAME.fullmatch(name):
        suggestion = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-")
        advice = "Use at most 63 lower-case letters, digits and hyphens, no hyphen at the ends"
        noun = what.partition(" ")[2]
        raise DefinitionError(f"{name!r} is not a valid {noun} name", f'{advice}: "{suggestion or "answer-mail"}".')
    return name


def task_name(value: object) -> str:
    """A name of a task. Raises DefinitionError for anything else, and for the targets of jumps such as `end`."""
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
            return "a text with an expression in it" if OPENING in value else "a text"
        case None:
            return "None"
        case _:
            return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"
