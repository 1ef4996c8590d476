"""Time, injected: the wall clock in UTC, a monotonic one for durations, and their text form on the wire."""

from __future__ import annotations

import re
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The time of day, aware and in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, also those that the machine slept; no step of the clock changes them."""
        ...


_AWAKE_OR_ASLEEP = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC
"""CLOCK_MONOTONIC, and with it `time.monotonic`, stands still on Linux while the machine sleeps."""


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_AWAKE_OR_ASLEEP)


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and zone, such as `2026-11-21T10:00:00.250Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime | None:
    """The moment of an RFC 3339 text, or None. A text without zone, as existing runners send it, is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


_AGE = re.compile(r"(\d{1,6})\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_moment(text: str, clock: Clock) -> datetime | None:
    """An age such as `10m`, `2h` or `1d`, or a date with or without a time; local time unless it has a zone. None for
    any other text.
    """
    if age := _AGE.fullmatch(text.strip()):
        return clock.now() - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        return datetime.fromisoformat(text.strip()).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
