"""Templates: texts with expressions, `${ … }`, in the configuration of tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stigmer_tui.core.units import size_text
from stigmer_tui.definition.expressions import ParsedExpression, expression_of, parse_expression
from stigmer_tui.definition.lexer import ExpressionError, tokenize

OPENING = "${"

MAX_TEXT = 32 * 1024**2
"""Characters of a text with the values filled in."""


@dataclass(frozen=True, slots=True)
class Template:
    """A text with expressions."""

    source: str
    parts: tuple[str | ParsedExpression, ...]
    """Literal texts and expressions, in order."""
    where: str = ""
    """Its field, such as `task_config.endpoint.uri`."""

    @property
    def is_literal(self) -> bool:
        """Whether it has no expressions."""
        return not self.expressions

    @property
    def expressions(self) -> tuple[ParsedExpression, ...]:
        """Its expressions, in order."""
        return tuple(part for part in self.parts if isinstance(part, ParsedExpression))

    def fill(self, values: Iterator[Any]) -> Any:
        """The value of a template that is one expression, or else the text with the values of its expressions.

        Raises ExpressionError for a text that is too large.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], ParsedExpression):
            return next(values)
        texts, room = [], MAX_TEXT
        for part in self.parts:
            texts.append(part if isinstance(part, str) else text_of(next(values)))
            room -= len(texts[-1])
            if room < 0:
                raise ExpressionError(f"{self.source}: the text is larger than {size_text(MAX_TEXT)}")
        return "".join(texts)


def parse_template(text: str) -> Template:
    """Parses a text. Raises ExpressionError."""
    return Template(text, tuple(_parts(text)))


def parse_condition(text: str) -> Template:
    """As `parse_template`, but text outside of braces is part of the expression: `${ .count } == 0`.

    Raises ExpressionError.
    """
    parts = tuple(_parts(text))
    if len(parts) == 1 or not any(isinstance(part, ParsedExpression) for part in parts):
        return Template(text, parts)
    # The closing parenthesis is on a line of its own, in case the expression ends with a comment.
    program = "".join(part if isinstance(part, str) else f"({part.inner}\n)" for part in parts)
    return Template(text, (parse_expression(program, source=text),))


def text_of(value: Any) -> str:
    """A value as part of a text: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def expressions_in(arguments: Any) -> Iterator[ParsedExpression]:
    """The expressions of all templates in a structure, in the order in which `fill` takes their values."""
    match arguments:
        case Template():
            yield from arguments.expressions
        case dict():
            for item in arguments.values():
                yield from expressions_in(item)
        case list():
            for item in arguments:
                yield from expressions_in(item)


def fill(arguments: Any, values: Iterator[Any]) -> Any:
    """A structure with values in place of templates. Keys are never evaluated.

    Raises ExpressionError for a text that is too large.
    """
    match arguments:
        case Template():
            return arguments.fill(values)
        case dict():
            return {key: fill(item, values) for key, item in arguments.items()}
        case list():
            return [fill(item, values) for item in arguments]
        case _:
            return arguments


def _parts(text: str) -> Iterator[str | ParsedExpression]:
    position = 0
    while (start := text.find(OPENING, position)) >= 0:
        if start > position:
            yield text[position:start]
        tokens, end = tokenize(text, start + len(OPENING))
        if end == len(text):
            raise ExpressionError(
                f'`{text[start:]}` is never closed; ${{ "{OPENING}" }} gives the characters themselves'
            )
        yield expression_of(tokens, text[start : end + 1])
        position = end + 1
    if position < len(text):
        yield text[position:]
