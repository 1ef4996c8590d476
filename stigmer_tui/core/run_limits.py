"""Limits of an agent's run: how many steps, how long, how many tokens, how much money."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from stigmer_tui.core.errors import StigmerError

MAX_STEPS = 100
"""Where no limit of steps is given."""


@dataclass(frozen=True, slots=True)
class RunLimits:
    """0 is no limit; of steps, it is MAX_STEPS."""

    steps: int = 0
    """Requests to a model."""
    time: float = 0.0
    """Seconds since the run has started."""
    tokens: int = 0
    """Input and output together."""
    cost: float = 0.0
    """US dollars."""

    def over(self, others: RunLimits) -> RunLimits:
        """These limits, and those of the others where there are none here."""
        return replace(others, **{name: value for name in NAMES if (value := getattr(self, name))})


NONE = RunLimits()
NAMES = tuple(field.name for field in fields(RunLimits))

_EXPECTED = {
    "steps": "a whole number, such as 20",
    "time": "seconds, or a number with s, m or h, such as 90s or 5m",
    "tokens": "a whole number, also with k or M, such as 200k",
    "cost": "US dollars, such as 0.50",
}
_NUMBER = r"(?P<number>\d{1,15}(?:\.\d{1,9})?)"
_PATTERNS = {
    "steps": r"(?P<number>\d{1,9})(?P<unit>)",
    "time": rf"{_NUMBER}\s*(?P<unit>[smh]?)",
    "tokens": rf"{_NUMBER}\s*(?P<unit>[kM]?)",
    "cost": rf"\$?{_NUMBER}(?P<unit>)",
}
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "k": 1_000, "M": 1_000_000}


def parse_limits(values: Mapping[Any, Any], where: str = "") -> RunLimits:
    """Limits by their names. Raises StigmerError, which begins with `where`, for one that is not valid."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name not in NAMES:
            raise StigmerError(f"{where}there is no limit {name}", f"Limits: {', '.join(NAMES)}")
        number = _parsed(name, value)
        if number <= 0:
            raise StigmerError(f"{where}the limit {name} is {value!r}", f"Expected {_EXPECTED[name]}.")
        found[name] = number
    return RunLimits(**found)


def parse_limit_options(options: Iterable[str]) -> RunLimits:
    """Limits from flags such as `cost=0.50`. Raises StigmerError."""
    values = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise StigmerError(f"Not a limit: {option}", "Expected NAME=VALUE, such as cost=0.50 or time=5m.")
        values[name.strip()] = value.strip()
    return parse_limits(values)


def write_limits(limits: RunLimits) -> str:
    """Limits as a text, for an annotation; empty if there are none."""
    given = {name: value for name in NAMES if (value := getattr(limits, name))}
    return json.dumps(given) if given else ""


def read_limits(text: str) -> RunLimits:
    """What `write_limits` has written. Raises StigmerError for a text that it has not."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise StigmerError(f"These are not limits of a run: {text[:100]}")
    return parse_limits(values)


def _parsed(name: str, value: Any) -> float | int:
    """0 for what is not valid."""
    match = re.fullmatch(_PATTERNS[name], "" if isinstance(value, bool) else str(value).strip())
    if match is None:
        return 0
    number = float(match["number"]) * _UNITS[match["unit"]]
    return number if name in ("time", "cost") else int(number)
