"""jq that is written by hand, in filters and in texts; the SDK's own is valid by construction.

Imported only where there is some: its parser takes a fifth of the time that a small project needs.
"""

from __future__ import annotations

import json

from stigmer_tui.definition.expressions import ParsedExpression, parse_expression
from stigmer_tui.definition.grammar import check
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.definition.templates import parse_template
from stigmer_tui.sdk.errors import DefinitionError

MANUAL = "jq is described at https://jqlang.org/manual/."


def check_filter(text: str) -> None:
    """Raises DefinitionError for what is not a jq filter."""
    try:
        _check([parse_expression(text)])
    except ExpressionError as error:
        raise DefinitionError(f"“{text}” is not a valid filter: {error}", MANUAL) from None


def check_text(text: str) -> None:
    """Raises DefinitionError for a text with an expression in it that is not valid jq."""
    try:
        _check(parse_template(text).expressions)
    except ExpressionError as error:
        raise DefinitionError(f"“{text}” has an expression that cannot be read: {error}", MANUAL) from None


def tasks_named_in(text: str) -> list[str]:
    """The names of the tasks whose outputs the expressions in a text read. Raises DefinitionError as `check_text`."""
    check_text(text)
    references = (reference for found in parse_template(text).expressions for reference in found.references)
    return [str(reference.keys[0]) for reference in references if reference.root == "$context" and reference.keys]


def literals_in(text: str) -> list[str]:
    """The parts of a text outside of expressions. Raises DefinitionError as `check_text`."""
    check_text(text)
    return [part for part in parse_template(text).parts if isinstance(part, str)]


def as_jq(text: str) -> str:
    """A text with expressions in it as one jq string, with the expressions as `\\( … )`. Raises DefinitionError."""
    check_text(text)
    parts = parse_template(text).parts
    return f'"{"".join(_in_string(part) for part in parts)}"'


def _in_string(part: str | ParsedExpression) -> str:
    return (
        f"\\({part.inner.strip()})"
        if isinstance(part, ParsedExpression)
        else json.dumps(part, ensure_ascii=False)[1:-1]
    )


def _check(expressions: list[ParsedExpression] | tuple[ParsedExpression, ...]) -> None:
    for expression in expressions:
        if problem := check(expression.program):
            raise ExpressionError(problem)
