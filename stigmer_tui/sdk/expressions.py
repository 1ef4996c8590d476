"""Expressions: values that are known only when a workflow runs.

An expression is a jq program (https://jqlang.org/manual/) behind Python's operators. In an f-string it gives a
placeholder, which the run replaces with the value as text; passed as it is, it keeps the type of the value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.sdk.errors import DefinitionError, near_miss
from stigmer_tui.sdk.placeholders import OPENING, ReferenceSource
from stigmer_tui.sdk.registry import current_registry

MAX_LEVELS = 200
"""Of nested lists and mappings in a value."""

MAX_DIGITS = 1000
"""Of a number."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class JqProgram(NamedTuple):
    """The program of an expression, kept in `__stigmer__`, so that all other attributes are free for data."""

    text: str
    """jq, without braces around it."""
    is_term: bool
    """Whether it can stand next to an operator without parentheses."""
    sources: tuple[ReferenceSource, ...]

    @property
    def term(self) -> str:
        """The text as an operand, in parentheses where it needs them."""
        return self.text if self.is_term else f"({self.text})"


class Expression:
    """A value that is known only when the workflow runs.

    Operators give further expressions, such as `order.price * 2` or `item.first + " " + item.last`, and comparisons
    give conditions:

        item.count == 0
        (item.count > 10) & ~contains(item.title, "draft")
    """

    __slots__ = ("__stigmer__",)
    __stigmer__: JqProgram

    def __init__(self, program: JqProgram) -> None:
        self.__stigmer__ = program

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

    # A comparison gives a condition, unlike that of object, which is typed as bool.
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
        program = self.__stigmer__
        return Condition(JqProgram(f"{program.term} | not", False, program.sources))

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
            f"{_shown(self)} is known only when the workflow runs, so Python cannot iterate over it",
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
    """A boolean expression, for a case of `flow.switch`. `&`, `|` and `~` combine conditions."""

    __slots__ = ()


class Reference(Expression):
    """The output of a task, the input of a run, or a part of one.

    Attributes and keys give parts: `item.title`, `item["the-id"]`, `item.tags[0]`, `item.tags[:3]`.
    """

    __slots__ = ()

    def __getattr__(self, key: str) -> Reference:
        if key.startswith("__") and key.endswith("__"):
            raise AttributeError(key)
        return self[key]

    def __getitem__(self, key: str | int | slice | Expression) -> Reference:
        program = self.__stigmer__
        sources = program.sources
        match key:
            case str() if _IDENTIFIER.fullmatch(key):
                access = f".{key}"
            case slice(start=start, stop=stop, step=None):
                access = f"[{_bound(start)}:{_bound(stop)}]"
            case bool() | slice():
                raise DefinitionError(f"{key!r} is not a key", "Use a text, a number, or a range without a step.")
            case str() | int():
                access = f"[{program_of(key).text}]"
            case Expression():
                inner = key.__stigmer__
                access = f"[{inner.text}]"
                sources = (*sources, *inner.sources)
            case _:
                raise DefinitionError(f"{key!r} is not a key", "Use a text, a number, a range or a reference.")
        return Reference(JqProgram(program.term + access, True, sources))


class TypedReference(Reference):
    """A value whose fields are known: the output of an agent with typed answers, or the input of a workflow."""

    __slots__ = ("__fields__", "__noun__")
    __fields__: tuple[str, ...]
    __noun__: str

    def __init__(self, program: JqProgram, noun: str, fields: tuple[str, ...]) -> None:
        """`noun` begins the sentence about a field that there is not: `The answers of this agent have`."""
        super().__init__(program)
        self.__noun__ = noun
        self.__fields__ = fields

    def __getitem__(self, key: str | int | slice | Expression) -> Reference:
        if isinstance(key, str) and key not in self.__fields__:
            raise DefinitionError(f'{self.__noun__} no field "{key}"', near_miss(key, list(self.__fields__)))
        return super().__getitem__(key)


def output_of(task: str) -> str:
    """jq for the output of a task, once it is exported (`docs/compatibility.md` 87)."""
    return f"$context[{json.dumps(task)}]"


class Secret:
    """A secret of the run, such as a token; see `secret`.

    It can be sent with a request or given to an agent, but not compared or computed with.
    """

    __slots__ = ("__stigmer__",)
    __stigmer__: JqProgram

    def __init__(self, name: str) -> None:
        self.__stigmer__ = JqProgram(f".secrets.{name}", True, ())

    def __str__(self) -> str:
        return placeholder(self)

    def __repr__(self) -> str:
        return f"<secret {self.__stigmer__.text}>"


def placeholder(expression: Expression | Secret) -> str:
    """The expression as it stands in a text."""
    program = expression.__stigmer__
    # Existing runners know variables of the environment in this form only (`docs/compatibility.md` 92).
    is_variable = program.is_term and program.text.startswith(".")
    text = f"${{{program.text}}}" if is_variable else f"${{ {program.text} }}"
    current_registry().placeholders.remember(text, program.sources)
    return text


def task_text(value: str | Expression | Secret) -> str:
    """A text as part of a task. The outputs that it reads are exported.

    Raises DefinitionError where an expression in it has no value, for handwritten jq that is not valid, and for text
    that is not valid Unicode.
    """
    sources = sources_in(valid_text(value)) if isinstance(value, str) else value.__stigmer__.sources
    open_workflow = current_registry().open_workflow
    for source in sources:
        source.use(open_workflow)
    return value if isinstance(value, str) else placeholder(value)


def sources_in(text: str) -> tuple[ReferenceSource, ...]:
    """The sources of all expressions in a text. Raises DefinitionError for handwritten jq that is not valid."""
    return current_registry().placeholders.sources_in(text)


def valid_text(text: str) -> str:
    """The text itself. Raises DefinitionError for a lone surrogate, which UTF-8 cannot encode."""
    try:
        return as_text(text, "A text")
    except StigmerError as error:
        raise DefinitionError(
            f"A text holds half a character, which cannot be stored: {ascii(text)[:100]}",
            "Such halves come of decoding bytes that are not UTF-8; decode them with another encoding.",
        ) from error


def program_of(value: Any, level: int = 0) -> JqProgram:
    """The jq program that gives a value: that of an expression, or a literal with the expressions in it.

    Raises DefinitionError for a value that jq cannot hold, and for secrets.
    """
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
            from stigmer_tui.sdk.raw_jq import as_jq

            return JqProgram(as_jq(value), True, sources_in(value))
        case int() if not isinstance(value, bool) and abs(value) >= 10**MAX_DIGITS:
            raise too_long()
        case None | bool() | int() | float() | str():
            return JqProgram(_literal(value), True, ())
        case Mapping():
            members = {_key(key): program_of(item, level + 1) for key, item in value.items()}
            text = ", ".join(f"{key}: {item.term}" for key, item in members.items())
            return JqProgram(f"{{{text}}}", True, _sources(members.values()))
        case list() | tuple():
            items = [program_of(item, level + 1) for item in value]
            return JqProgram(f"[{', '.join(item.term for item in items)}]", True, _sources(items))
        case _:
            raise DefinitionError(
                f"A workflow cannot hold a value of type {type(value).__name__}",
                "Use texts, numbers, True, False, None, lists and mappings of them, or references.",
            )


def too_deep() -> DefinitionError:
    """The error for a value of too many levels."""
    return DefinitionError(
        f"A value is nested more than {MAX_LEVELS} levels deep, or contains itself", "Make it flatter."
    )


def too_long() -> DefinitionError:
    """The error for a number of too many digits."""
    return DefinitionError(f"A number has more than {MAX_DIGITS} digits", "Write it as a text.")


def _comparison(left: object, operator: str, right: object) -> Condition:
    return Condition(_binary(program_of(left), operator, program_of(right)))


def _arithmetic(left: object, operator: str, right: object) -> Expression:
    return Expression(_binary(program_of(left), operator, program_of(right)))


def _logic(left: object, operator: str, right: object) -> Condition:
    if not isinstance(left, Expression) or not isinstance(right, Expression):
        raise DefinitionError(
            f"“{'&' if operator == 'and' else '|'}” combines two conditions",
            "Put each of them in parentheses: (item.count > 0) & (item.count < 10).",
        )
    return Condition(_binary(left.__stigmer__, operator, right.__stigmer__))


def _binary(left: JqProgram, operator: str, right: JqProgram) -> JqProgram:
    return JqProgram(f"{left.term} {operator} {right.term}", False, left.sources + right.sources)


def _sources(programs: Iterable[JqProgram]) -> tuple[ReferenceSource, ...]:
    return tuple(source for program in programs for source in program.sources)


def _literal(value: float | str | None) -> str:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return valid_text(text) if isinstance(value, str) else text
    except ValueError:
        raise DefinitionError(f"{value} is not a number that a workflow can hold", "Use a finite number.") from None


def _key(key: object) -> str:
    if not isinstance(key, str) or OPENING in key:
        raise DefinitionError(f"{key!r} cannot be a key", "Keys are texts that are known when the workflow is written.")
    return json.dumps(valid_text(key), ensure_ascii=False)


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
