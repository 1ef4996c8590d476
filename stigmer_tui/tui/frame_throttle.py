"""Limits the frame rate: of values that change faster, the newest one is shown at each frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

Value = TypeVar("Value")

INTERVAL = 1 / 30
"""Seconds between frames on a local terminal."""

REMOTE_INTERVAL = 1 / 12
"""Seconds between frames over SSH or in a multiplexer, where a frame is expensive."""

BURST = 10
"""Frames that may follow each other immediately after idle time. A save takes eight until the first step of the new
code is there: noticed, loaded, deployed, started, and what the server reports in between."""

PAUSE = 4
"""A slow frame is followed by a pause of this many times its duration, in which keys are handled."""

MAX_PAUSE = 1.0
"""Seconds."""


def interval_for(environment: Mapping[str, str]) -> float:
    """Seconds between frames for this terminal."""
    is_remote = any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"))
    return REMOTE_INTERVAL if is_remote else INTERVAL


class FrameLoop(Protocol):
    """The part of an event loop that is used here."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[float], None], due: float, /) -> asyncio.TimerHandle: ...


class FrameThrottle(Generic[Value]):
    """Holds the newest value. It is shown immediately if there were few frames lately, else with the next frame.

    Intermediate values are skipped, the last one never. There is no timer without a value to show.
    """

    def __init__(
        self, show: Callable[[Value], None], interval: float = INTERVAL, loop: FrameLoop | None = None
    ) -> None:
        self._show = show
        self._interval = interval
        self._loop: FrameLoop = loop or asyncio.get_running_loop()
        self._newest: Value
        self._timer: asyncio.TimerHandle | None = None
        self._paced = 0.0
        """When the next frame would be due at a constant rate; after idle time, BURST frames ago."""
        self._next = 0.0
        """The earliest time of the next frame."""

    def put(self, value: Value) -> None:
        self._newest = value
        if self._timer is None:
            now = self._loop.time()
            if now >= self._next:
                self._frame(now)
            else:
                self._timer = self._loop.call_at(self._next, self._frame, self._next)

    def close(self) -> None:
        """Discards the pending frame."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _frame(self, due: float) -> None:
        self._timer = None
        began = self._loop.time()
        self._show(self._newest)
        now = self._loop.time()
        self._paced = max(self._paced, due - (BURST - 1) * self._interval) + self._interval
        # A late frame counts as slow: something else keeps the loop busy. For a few frames, that may be.
        slow = now - (due if self._paced > now else began)
        self._next = max(self._paced, now + min(PAUSE * slow, MAX_PAUSE))
