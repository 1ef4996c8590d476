"""Which runs a person looks for: `state:failed agent:helper since:2h refund`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from stigmer_tui.core.clock import Clock, parse_moment
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.model import ResourceKind, Run, RunState

STATES = {
    "pending": RunState.PENDING,
    "running": RunState.RUNNING,
    "completed": RunState.COMPLETED,
    "done": RunState.COMPLETED,
    "failed": RunState.FAILED,
    "cancelled": RunState.CANCELLED,
}
"""Those of an execution, by what people call them."""

NAME = "name"
FIELDS = ("state", NAME, *ResourceKind, "since")
FIELDS_HELP = "state:failed name:helper since:2h"


@dataclass(frozen=True, slots=True)
class RunQuery:
    """What is empty matches every run."""

    text: str = ""
    """Of what was said and done in a run; upper and lower case are the same."""
    states: frozenset[RunState] = frozenset()
    resource: str = ""
    """Slug of what was run."""
    kind: ResourceKind | None = None
    """Of the resource."""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line of a run that has the text."""

    source: str
    """Who said it, or which tool or task it is of; may be empty."""
    text: str

    def __str__(self) -> str:
        return f"{self.source}: {self.text}" if self.source else self.text


@dataclass(frozen=True, slots=True)
class FoundRun:
    run: Run
    excerpts: tuple[Excerpt, ...] = ()
    """The first lines with the text; empty where none was asked for."""


def parse_query(written: str, clock: Clock) -> RunQuery:
    """What is no field is the text. Raises StigmerError for a field with a value that it cannot have."""
    query, words = RunQuery(), []
    for word in written.split():
        field, _, value = word.partition(":")
        if field in FIELDS and value:
            query = _with_field(query, field, value, clock)
        else:
            words.append(word)
    return replace(query, text=" ".join(words))


def _with_field(query: RunQuery, field: str, value: str, clock: Clock) -> RunQuery:
    match field:
        case "state" if value in STATES:
            return replace(query, states=query.states | {STATES[value]})
        case "state":
            raise StigmerError(f"There is no state {value}", f"There are {', '.join(STATES)}")
        case "since":
            if (since := parse_moment(value, clock)) is None:
                raise StigmerError(
                    f"since:{value} is no time", "It is an age such as 30m, 2h or 7d, or a date: 2026-11-29"
                )
            return replace(query, since=since)
        case "name":
            return replace(query, resource=value, kind=None)
        case _:
            return replace(query, resource=value, kind=ResourceKind(field))
