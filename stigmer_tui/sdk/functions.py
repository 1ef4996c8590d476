"""Functions that give expressions: variables of the run, and what Python has no operator for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_

from stigmer_tui.sdk.errors import DefinitionError, calling_line
from stigmer_tui.sdk.expressions import Condition, Expression, JqProgram, Reference, Secret, program_of
from stigmer_tui.sdk.registry import VARIABLE_NAME, DeclaredVariable, current_registry


def contains(value: Expression, item: object) -> Condition:
    """Whether a text has a part, or a list an element: `contains(item.labels, "bug")`."""
    whole, part = program_of(value), program_of(item)
    sources = whole.sources + part.sources
    if isinstance(item, Expression):
        # Bound first, because the argument of `index` sees the value, not the data of the workflow.
        return Condition(JqProgram(f"({part.text} as $item | {whole.term} | index($item)) != null", False, sources))
    return Condition(JqProgram(f"({whole.text} | index({part.text})) != null", False, sources))


def in_(value: Expression, options: Expression | Sequence[object]) -> Condition:
    """Whether a value is one of several: `in_(order.state, ["open", "paid"])`."""
    if isinstance(options, Expression):
        return contains(options, value)
    if isinstance(options, str) or not options:
        raise DefinitionError(
            "in_ needs a list of values to choose from", 'Such as in_(order.state, ["open", "paid"]).'
        )
    return reduce(or_, [value == option for option in options])


def length(value: Expression) -> Expression:
    """The number of characters, elements or keys: `length(item.orders) > 0`."""
    return _piped(value, "length")


def jq(filter: str, value: Expression) -> Reference:  # noqa: A002 - what jq itself calls it
    """The result of a jq filter on a value: `jq("map(.amount) | add", item.orders)`.

    For everything that has no operator or function here; see https://jqlang.org/manual/.
    """
    from stigmer_tui.sdk.raw_jq import check_filter

    check_filter(filter)
    return _piped(value, filter)


def secret(name: str, *, description: str = "") -> Secret:
    """A secret of the run, such as a token. It is sent with requests and shown nowhere.

        headers={"Authorization": f"Bearer {secret('SHOP_TOKEN', description='Token of the shop')}"}

    It has no default, because that would be stored in clear in the project and on the server.
    """
    _declare(name, True, None, description)
    return Secret(name)


def env(name: str, *, default: str | None = None, description: str = "") -> Expression:
    """A variable of the run's environment. Its value is always a text.

    Without a default, which may be empty, the value is asked for when a run starts:

        region = env("REGION", default="eu", description="Region of the shop")
        flow.http_get("orders", f"https://shop.example/{region}/orders")
    """
    _declare(name, False, default, description)
    return Expression(JqProgram(f".env_vars.{name}", True, ()))


def _declare(name: str, is_secret: bool, default: str | None, description: str) -> None:
    if not VARIABLE_NAME.fullmatch(name):
        suggestion = re.sub(r"\W", "_", name).upper()
        raise DefinitionError(
            f"{name!r} is not a valid variable name",
            f'Use capital letters, digits and underscores, such as "{suggestion}".'
            if VARIABLE_NAME.fullmatch(suggestion)
            else "Use capital letters, digits and underscores.",
        )
    current_registry().add_variable(DeclaredVariable(name, is_secret, default, description, calling_line()))


def _piped(value: Expression, filter_text: str) -> Reference:
    program = program_of(value)
    return Reference(JqProgram(f"{program.term} | {filter_text}", False, program.sources))
