"""Expressions: jq programs on the state of a workflow, and their input for jq."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stigmer_tui.definition.lexer import ExpressionError, Token, TokenKind, tokenize
from stigmer_tui.definition.usage import ROOTS, VariableReference, usage_of

NOW = "now"
UUIDS = "uuids"
"""Keys of a program's input besides the roots: seconds since 1970, and a text for each new identifier."""

_PRELUDE = (
    ". as $__in | {} as $ENV | null as $__prog_args | def env: {}; def now: $__in.now; "
    + "".join(f'$__in["{root}"] as {root} | ' for root in ROOTS if root != ".")
    + f'$__in.{UUIDS} as $__uuids | $__in["."] | '
)
"""One line, so that jq counts the lines of the expression from 2."""


def uuid_program(number: int) -> str:
    """The replacement of the word `uuid` in a program."""
    return f"$__uuids[{number}]"


def completed(program: str) -> str:
    """The program as jq compiles it. Its value is JSON text, because libjq would round numbers."""
    return f"{_PRELUDE}first(\n{program}\n) | tojson"


Roots = Mapping[str, Any]
"""The value of each of `usage.ROOTS`."""

VARIABLES = ("secrets", "env_vars")
"""The keys of `.` that hold the variables of the run."""


@dataclass(frozen=True, slots=True)
class ParsedExpression:
    """An expression, and what it reads."""

    source: str
    """As written, with its braces."""
    program: str
    """For jq, without braces."""
    references: tuple[VariableReference, ...]
    plain: bool
    """Whether it is one reference and nothing else, which can be looked up without jq."""
    needs_now: bool = False
    uuids: int = 0
    """The number of new identifiers that it asks for."""

    @property
    def inner(self) -> str:
        """As written, without its braces."""
        return self.source[2:-1]

    @property
    def variables(self) -> tuple[tuple[str, str], ...]:
        """The variables of the run that it names, as pairs of `secrets` or `env_vars` and the name."""
        found = (
            (reference.keys[0], reference.keys[1])
            for reference in self.references
            if reference.root == "." and len(reference.keys) > 1
        )
        return tuple((str(where), str(name)) for where, name in found if where in VARIABLES)

    def look_up(self, roots: Roots) -> Any:
        """The value of a plain expression, as jq would give it. Raises ExpressionError."""
        reference = self.references[0]
        value = roots[reference.root]
        for key in reference.keys:
            value = _step(value, key)
        return value

    def inputs(self, roots: Roots, now: Callable[[], float], uuid: Callable[[], str]) -> str:
        """The input of its program, as JSON: no more of the state than it reads."""
        paths: dict[str, list[tuple[str | int, ...]]] = {}
        for reference in self.references:
            paths.setdefault(reference.root, []).append(reference.keys)
        inputs = {root: _reachable(roots[root], keys) for root, keys in paths.items()}
        if self.needs_now:
            inputs[NOW] = now()
        if self.uuids:
            inputs[UUIDS] = [uuid() for _ in range(self.uuids)]
        return json.dumps(inputs, separators=(",", ":"))


def parse_expression(program: str, source: str = "") -> ParsedExpression:
    """Parses a program without braces, as far as to find what it reads; `grammar.check` checks the rest.

    Raises ExpressionError.
    """
    tokens, end = tokenize(program)
    if end < len(program):
        raise ExpressionError("`}` closes nothing")
    return expression_of(tokens, source or program)


def expression_of(tokens: list[Token], source: str) -> ParsedExpression:
    """The expression of some tokens. Raises ExpressionError."""
    if all(token.kind is TokenKind.BLANK for token in tokens):
        raise ExpressionError("an expression is empty")
    usage = usage_of(tokens)
    texts = [token.text for token in tokens]
    for number, index in enumerate(usage.uuids):
        texts[index] = uuid_program(number)
    references = tuple(dict.fromkeys(usage.references))
    return ParsedExpression(source, "".join(texts), references, usage.plain, usage.now, len(usage.uuids))


def _step(value: Any, key: str | int) -> Any:
    match value, key:
        case None, _:
            return None
        case dict(), str():
            return value.get(key)
        case list(), int():
            return value[key] if key < len(value) else None
        case _:
            raise ExpressionError(f"there is no {key!r} in {_type_name(value)}")


def _type_name(value: Any) -> str:
    match value:
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _reachable(value: Any, paths: Iterable[tuple[str | int, ...]]) -> Any:
    """A copy of the value with only those entries of objects that a path leads to."""
    if not isinstance(value, dict):
        return value
    below: dict[str | int, list[tuple[str | int, ...]]] = {}
    for path in paths:
        if not path:
            return value
        below.setdefault(path[0], []).append(path[1:])
    return {key: _reachable(value[key], rests) for key, rests in below.items() if key in value}
