"""Expressions: values that exist only when a workflow runs, handled in Python as if they were there already.

An expression is a piece of jq (https://jqlang.org/manual/). Formatting one gives the text that is replaced by its value
during the run, so that f-strings simply work; passing one as a value keeps the type of that value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.sdk.mistakes import DefinitionError
from stigmer_tui.sdk.texts import OPENING, ReferenceOrigin, origins_in, remember

MAX_LEVELS = 200
"""Of lists and mappings within each other, in a value; a run can bear no more."""

MAX_DIGITS = 1000
"""Of a number."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ReferenceSource(NamedTuple):
    """What an expression is made of; the attribute `__stigmer__`, so that every other name is free for data."""

    text: str
    """jq, without the braces."""
    is_term: bool
    """Whether it can stand next to an operator without parentheses."""
    origins: tuple[ReferenceOrigin, ...]

    @property
    def term(self) -> str:
        return self.text if self.is_term else f"({self.text})"


class Expression:
    """A value that a workflow knows when it runs.

    Operators give further expressions: `order.price * 2`, `item.first + " " + item.last`. Comparisons give conditions:

        item.count == 0
        (item.count > 10) & ~contains(item.title, "draft")
    """

    __slots__ = ("__stigmer__",)
    __stigmer__: ReferenceSource

    def __init__(self, source: ReferenceSource) -> None:
        self.__stigmer__ = source

    def __str__(self) -> str:
        return placeholder(self)

    def __format__(self, specification: str) -> str:
        if specification:
            raise DefinitionError(
                f"The value is not known yet, so it cannot be formatted as “{specification}”",
                f"Leave out “:{specification}”, or shape the value with jq(filter, value).",
            )
        return placeholder(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__.lower()} {self.__stigmer__.text}>"

    # A comparison gives a condition, which the type of object's own methods does not foresee.
    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return _comparison(self, "==", other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return _comparison(self, "!=", other)

    def __lt__(self, other: object) -> Condition:
        return _comparison(self, "<", other)

    def __le__(self, other: object) -> Condition:
        return _comparison(self, "<=", other)

    def __gt__(self, other: object) -> Condition:
        return _comparison(self, ">", other)

    def __ge__(self, other: object) -> Condition:
        return _comparison(self, ">=", other)

    def __and__(self, other: object) -> Condition:
        return _logic(self, "and", other)

    def __rand__(self, other: object) -> Condition:
        return _logic(other, "and", self)

    def __or__(self, other: object) -> Condition:
        return _logic(self, "or", other)

    def __ror__(self, other: object) -> Condition:
        return _logic(other, "or", self)

    def __invert__(self) -> Condition:
        source = self.__stigmer__
        return Condition(ReferenceSource(f"{source.term} | not", False, source.origins))

    def __add__(self, other: object) -> Expression:
        return _arithmetic(self, "+", other)

    def __radd__(self, other: object) -> Expression:
        return _arithmetic(other, "+", self)

    def __sub__(self, other: object) -> Expression:
        return _arithmetic(self, "-", other)

    def __rsub__(self, other: object) -> Expression:
        return _arithmetic(other, "-", self)

    def __mul__(self, other: object) -> Expression:
        return _arithmetic(self, "*", other)

    def __rmul__(self, other: object) -> Expression:
        return _arithmetic(other, "*", self)

    def __truediv__(self, other: object) -> Expression:
        return _arithmetic(self, "/", other)

    def __rtruediv__(self, other: object) -> Expression:
        return _arithmetic(other, "/", self)

    def __mod__(self, other: object) -> Expression:
        return _arithmetic(self, "%", other)

    def __bool__(self) -> bool:
        raise DefinitionError(
            f"{_shown(self)} is known only when the workflow runs, so Python cannot decide on it",
            "To branch, use flow.switch. Instead of and, or, not and a < b < c, combine conditions with &, | and ~,"
            " each condition in parentheses: (item.count > 0) & (item.count < 10).",
        )

    def __iter__(self) -> NoReturn:
        raise DefinitionError(
            f"{_shown(self)} is known only when the workflow runs, so Python cannot go through it",
            'Use a loop of the workflow: with flow.for_each("each", items) as item.',
        )

    def __contains__(self, item: object) -> bool:
        raise DefinitionError(
            f"{_shown(self)} is known only when the workflow runs", "Write contains(value, item) instead of `in`."
        )

    def __len__(self) -> int:
        raise DefinitionError(
            f"{_shown(self)} is known only when the workflow runs", "Write length(value) instead of len(value)."
        )

    def __hash__(self) -> int:
        raise DefinitionError(
            f"{_shown(self)} is known only when the workflow runs, so it cannot be a key or stand in a set",
            "Use texts as keys; to look something up by a value, write data[value].",
        )

    def __call__(self, *args: object, **kwargs: object) -> NoReturn:
        raise DefinitionError(
            f"{_shown(self)} is data of the workflow, not a function of Python",
            'Shape it with jq(filter, value), such as jq("ascii_downcase", item.title).',
        )

    def __index__(self) -> int:
        raise DefinitionError(
            f"{_shown(self)} is known only when the workflow runs", "A number known now is needed here."
        )

    __int__ = __index__

    def __float__(self) -> float:
        return float(self.__index__())


class Condition(Expression):
    """A yes or no that decides about a case of `flow.switch`."""

    __slots__ = ()


class Reference(Expression):
    """The output of a task, the input of a run, or a part of them: `item.title`, `item["the-id"]`, `item.tags[0]`."""

    __slots__ = ()

    def __getattr__(self, key: str) -> Reference:
        if key.startswith("__") and key.endswith("__"):
            raise AttributeError(key)
        return self[key]

    def __getitem__(self, key: str | int | slice | Expression) -> Reference:
        source = self.__stigmer__
        origins = source.origins
        match key:
            case str() if _IDENTIFIER.fullmatch(key):
                access = f".{key}"
            case slice(start=start, stop=stop, step=None):
                access = f"[{_bound(start)}:{_bound(stop)}]"
            case bool() | slice():
                raise DefinitionError(f"{key!r} is no key", "Use a text, a number, or a range without a step.")
            case str() | int():
                access = f"[{source_of(key).text}]"
            case Expression():
                inner = key.__stigmer__
                access = f"[{inner.text}]"
                origins = (*origins, *inner.origins)
            case _:
                raise DefinitionError(f"{key!r} is no key", "Use a text, a number, a range or a reference.")
        return Reference(ReferenceSource(source.term + access, True, origins))


def output_text(task: str) -> str:
    """Where the output of a task is kept for later ones, once it is exported (`docs/compatibility.md` 87)."""
    return f"$context[{json.dumps(task)}]"


class Secret:
    """A value that nobody sees: it can be sent with a request or given to an agent, and that is all."""

    __slots__ = ("__stigmer__",)
    __stigmer__: ReferenceSource

    def __init__(self, name: str) -> None:
        self.__stigmer__ = ReferenceSource(f".secrets.{name}", True, ())

    def __str__(self) -> str:
        return placeholder(self)

    def __repr__(self) -> str:
        return f"<secret {self.__stigmer__.text}>"


def placeholder(expression: Expression | Secret) -> str:
    """The expression as it stands in a text."""
    source = expression.__stigmer__
    # Existing runners know variables of the environment in this form only (`docs/compatibility.md` 92).
    is_variable = source.is_term and source.text.startswith(".")
    text = f"${{{source.text}}}" if is_variable else f"${{ {source.text} }}"
    remember(text, source.origins)
    return text


def written(value: str | Expression | Secret) -> str:
    """A text as it becomes part of a task, which from now on uses what the text takes its values from.

    Raises DefinitionError where there is no value to take, where an expression was written by hand, and wrongly, and
    for what is no text.
    """
    origins = origins_in(whole_text(value)) if isinstance(value, str) else value.__stigmer__.origins
    for origin in origins:
        origin.use()
    return value if isinstance(value, str) else placeholder(value)


def whole_text(text: str) -> str:
    """A text as it is. Raises DefinitionError where it holds half a character, which no file and no message can."""
    try:
        return as_text(text, "A text")
    except StigmerError as error:
        raise DefinitionError(
            f"A text holds half a character, which cannot be stored: {ascii(text)[:100]}",
            "Such halves come of decoding bytes that are no UTF-8; decode them with another encoding.",
        ) from error


def source_of(value: Any, level: int = 0) -> ReferenceSource:
    """The jq that gives a value: an expression's own, or a literal, with the expressions in it."""
    if level > MAX_LEVELS:
        raise too_deep()
    match value:
        case Expression():
            return value.__stigmer__
        case Secret():
            raise DefinitionError(
                f"{_shown(value)} cannot be compared or computed with", "Pass it where it is sent, as it is."
            )
        case str() if OPENING in value:
            from stigmer_tui.sdk.handwritten import as_jq

            return ReferenceSource(as_jq(value), True, origins_in(value))
        case int() if not isinstance(value, bool) and abs(value) >= 10**MAX_DIGITS:
            raise too_long()
        case None | bool() | int() | float() | str():
            return ReferenceSource(_literal(value), True, ())
        case Mapping():
            members = {_key(key): source_of(item, level + 1) for key, item in value.items()}
            text = ", ".join(f"{key}: {item.term}" for key, item in members.items())
            return ReferenceSource(f"{{{text}}}", True, _origins(members.values()))
        case list() | tuple():
            items = [source_of(item, level + 1) for item in value]
            return ReferenceSource(f"[{', '.join(item.term for item in items)}]", True, _origins(items))
        case _:
            raise DefinitionError(
                f"A workflow cannot hold a value of type {type(value).__name__}",
                "Use texts, numbers, True, False, None, lists and mappings of them, or references.",
            )


def too_deep() -> DefinitionError:
    return DefinitionError(
        f"A value is nested more than {MAX_LEVELS} levels deep, or contains itself", "Make it flatter."
    )


def too_long() -> DefinitionError:
    return DefinitionError(f"A number has more than {MAX_DIGITS} digits", "Write it as a text.")


def _comparison(left: object, operator: str, right: object) -> Condition:
    return Condition(_binary(source_of(left), operator, source_of(right)))


def _arithmetic(left: object, operator: str, right: object) -> Expression:
    return Expression(_binary(source_of(left), operator, source_of(right)))


def _logic(left: object, operator: str, right: object) -> Condition:
    if not isinstance(left, Expression) or not isinstance(right, Expression):
        raise DefinitionError(
            f"“{'&' if operator == 'and' else '|'}” combines two conditions",
            "Put each of them in parentheses: (item.count > 0) & (item.count < 10).",
        )
    return Condition(_binary(left.__stigmer__, operator, right.__stigmer__))


def _binary(left: ReferenceSource, operator: str, right: ReferenceSource) -> ReferenceSource:
    return ReferenceSource(f"{left.term} {operator} {right.term}", False, left.origins + right.origins)


def _origins(sources: Any) -> tuple[ReferenceOrigin, ...]:
    return tuple(origin for source in sources for origin in source.origins)


def _literal(value: float | str | None) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return whole_text(text) if isinstance(value, str) else text
    except ValueError:
        raise DefinitionError(f"{value} is not a number that a workflow can hold", "Use a finite number.") from None


def _key(key: object) -> str:
    if not isinstance(key, str) or OPENING in key:
        raise DefinitionError(f"{key!r} cannot be a key", "Keys are texts that are known when the workflow is written.")
    return json.dumps(whole_text(key), ensure_ascii=False)


def _bound(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, int):
        raise DefinitionError(f"{value!r} cannot bound a range", "Use whole numbers, such as item.orders[:3].")
    if abs(value) >= 10**MAX_DIGITS:
        raise too_long()
    return str(value)


def _shown(value: Expression | Secret) -> str:
    return value.__stigmer__.text
