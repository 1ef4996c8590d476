"""Functions of expressions, for what Python has no operator for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from stigmer_tui.sdk.expressions import Condition, Expression, Reference, ReferenceSource, source_of
from stigmer_tui.sdk.mistakes import DefinitionError


def contains(value: Expression, item: object) -> Condition:
    """Whether a text has a part, or a list an element: `contains(item.labels, "bug")`."""
    whole, part = source_of(value), source_of(item)
    origins = whole.origins + part.origins
    if isinstance(item, Expression):
        # Bound first, because the argument of `index` sees the value, not the data of the workflow.
        return Condition(
            ReferenceSource(f"({part.text} as $item | {whole.term} | index($item)) != null", False, origins)
        )
    return Condition(ReferenceSource(f"({whole.text} | index({part.text})) != null", False, origins))


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
    """How many characters, elements or keys: `length(item.orders) > 0`."""
    return _piped(value, "length")


def jq(filter: str, value: Expression) -> Reference:  # noqa: A002 - what jq itself calls it
    """A value put through a filter of jq, for what has no function here: `jq("map(.amount) | add", item.orders)`."""
    from stigmer_tui.sdk.handwritten import check_filter

    check_filter(filter)
    return _piped(value, filter)


def _piped(value: Expression, filter_text: str) -> Reference:
    source = source_of(value)
    return Reference(ReferenceSource(f"{source.term} | {filter_text}", False, source.origins))
