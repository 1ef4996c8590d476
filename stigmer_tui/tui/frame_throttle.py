"""Frames: what changes faster than the screen should is shown at a steady rate, the newest state of it each time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

Value = TypeVar("Value")

INTERVAL = 1 / 30
"""Seconds from frame to frame on a terminal of this machine."""

REMOTE_INTERVAL = 1 / 12
"""The same over SSH or in a multiplexer, where each frame is bytes on a line, or is drawn twice."""

BURST = 4
"""Frames that may follow each other at once after a rest: how something begins is seen as it happens."""

PAUSE = 4
"""A frame that takes long is followed by so many times as long without one: keys are answered in between."""

MAX_PAUSE = 1.0
"""Seconds."""


def interval_for(environment: Mapping[str, str]) -> float:
    """Seconds from frame to frame, by where the terminal is."""
    is_remote = any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "TMUX", "STY"))
    return REMOTE_INTERVAL if is_remote else INTERVAL


class FrameLoop(Protocol):
    """What is needed of an event loop."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[float], None], due: float, /) -> asyncio.TimerHandle: ...


class FrameThrottle(Generic[Value]):
    """A slot for the newest value. It is shown at once when there were few frames lately, else with the next one.

    Values that come in between are never shown; the last one always is. Without a value to show there is no timer.
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
        """When the next frame would be due if all came at the interval; after a rest, that is a burst ago."""
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
        """Nothing is shown any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _frame(self, due: float) -> None:
        self._timer = None
        self._show(self._newest)
        now = self._loop.time()
        # A frame that came late counts as long: something else keeps the loop busy.
        pause = min(PAUSE * (now - due), MAX_PAUSE)
        self._paced = max(self._paced, due - (BURST - 1) * self._interval) + self._interval
        self._next = max(self._paced, now + pause)
