"""When to start a process again that ended by itself (`docs/compatibility.md` 162)."""

from __future__ import annotations

from collections import deque

WINDOW = 600.0
"""Seconds over which restarts are counted."""

MAX_RESTARTS = 10

STEADY = 10.0
"""Seconds of life after which an end is an accident, and the next start need not wait."""

MAX_DELAY = 30.0


class RestartPolicy:
    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self._quick_ends = 0

    def next_delay(self, now: float, lifetime: float) -> float | None:
        """Seconds to wait before the next start; None when there have been too many. Times are monotonic."""
        while self._times and now - self._times[0] > WINDOW:
            self._times.popleft()
        if len(self._times) >= MAX_RESTARTS:
            return None
        self._times.append(now)
        if lifetime >= STEADY:
            self._quick_ends = 0
            return 0.0
        self._quick_ends += 1
        # The first quick end may be somebody's kill -9; from the second on something is wrong.
        return 0.0 if self._quick_ends == 1 else min(MAX_DELAY, 2.0 ** (self._quick_ends - 2))
