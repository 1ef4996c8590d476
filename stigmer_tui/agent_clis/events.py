"""What happens while an agent works on a task, whichever program it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the agent, or a part of its reasoning."""

    text: str
    is_reasoning: bool = False


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call begins."""

    call_id: str
    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool call has ended."""

    call_id: str
    output: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost since the last event of this kind."""

    tokens_in: int = 0
    """With those that came from a cache."""
    tokens_out: int = 0
    tokens_cached: int = 0
    cost: float | None = None
    """US dollars; None where the program does not say."""

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def __add__(self, other: Usage) -> Usage:
        known = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.tokens_cached + other.tokens_cached,
            sum(known) if known else None,
        )


@dataclass(frozen=True, slots=True)
class Failed:
    """The program says that it could not do its work."""

    message: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A line that is none of these."""

    text: str
    is_retry: bool = False
    """Whether it says why the program asks its model again."""


CliEvent = Said | Called | Returned | Usage | Failed | Printed


class LineReader(Protocol):
    """Makes events of the lines of one run, in their order."""

    def read(self, line: str) -> Iterator[CliEvent]: ...


def json_object(line: str) -> dict[str, Any] | None:
    """The object that a line holds; None for any other line, such as half of one."""
    if not line.startswith("{"):
        return None
    try:
        data = json.loads(line)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def count(value: Any) -> int:
    """A number of tokens; 0 for what is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def text_of(value: Any) -> str:
    """A text, also where it comes in parts; anything else as JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list() if all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
            return "".join(part["text"] for part in value)
        case {"text": str(text)} | {"message": str(text)} | {"data": {"message": str(text)}}:
            return text
        case _:
            return json.dumps(value, ensure_ascii=False)
