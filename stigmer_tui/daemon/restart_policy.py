"""When a process that has ended is started again, and when it is given up."""

from __future__ import annotations

from collections import deque

WINDOW = 600.0
"""Seconds over which restarts are counted."""

MAX_RESTARTS = 10
"""Within WINDOW."""

STEADY = 10.0
"""Seconds of life after which an end is an accident, and the next start need not wait."""

FIRST_DELAY = 1.0
"""Seconds; doubled by each further quick end."""

MAX_DELAY = 60.0

MAX_WAIT = 10.0
"""Seconds between the starts of one that waits for what may pass, such as a full disk."""


class RestartPolicy:
    """Times are monotonic."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._quick_ends = 0

    def next_delay(self, now: float, lifetime: float) -> float | None:
        """Seconds to wait before the next start; None when there have been too many."""
        while self._times and now - self._times[0] > WINDOW:
            self._times.popleft()
        if len(self._times) >= MAX_RESTARTS:
            return None
        self._times.append(now)
        if lifetime >= STEADY:
            self._quick_ends = 0
            return 0.0
        return self._growing_delay(MAX_DELAY)

    def wait(self) -> float:
        """Seconds before the next start of one that could not work just now, which counts as no failure."""
        return self._growing_delay(MAX_WAIT)

    def _growing_delay(self, limit: float) -> float:
        self._quick_ends += 1
        return float(min(limit, FIRST_DELAY * 2.0 ** (self._quick_ends - 1)))
