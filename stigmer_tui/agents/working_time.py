"""How long a run works. It does not while a person decides on one of its calls, or on one of a sub-agent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from stigmer_tui.agents.journal import AgentJournal
from stigmer_tui.core.clock import Clock, parse_timestamp, timestamp

Interval = tuple[datetime, datetime]


class WorkingTime:
    """Of one run, from its first start on, however many runners have worked on it."""

    def __init__(self, record: AgentJournal, clock: Clock, started_at: str, caller: WorkingTime | None = None) -> None:
        """`caller`: the time of the run that this is a sub-agent of, which stands still too."""
        self._record = record
        self._clock = clock
        self._start = parse_timestamp(started_at)
        self._resumed: datetime | None = None
        self._caller = caller
        self._waiting: set[str] = set()
        self._limit: asyncio.Timeout | None = None
        self._seconds = 0.0

    @asynccontextmanager
    async def limit(self, seconds: float | None) -> AsyncIterator[asyncio.Timeout]:
        """A time limit for the block; None for no limit. Raises TimeoutError."""
        async with asyncio.timeout(None) as limit:
            if seconds:
                self._resumed = self._clock.now()
                self._start = self._start or self._resumed
                self._limit, self._seconds = limit, seconds
                self._schedule()
            yield limit

    @asynccontextmanager
    async def standing_still(self, call: str) -> AsyncIterator[None]:
        """While a person decides on this call. An interruption and the time until the next runner belong to it."""
        if self._caller is None:
            async with self._wait(call):
                yield
        else:
            async with self._caller.standing_still(call), self._wait(call):
                yield

    @asynccontextmanager
    async def _wait(self, call: str) -> AsyncIterator[None]:
        began_at = self._record.wait_start(call) or timestamp(self._clock.now())
        await self._record.start_wait(call, began_at)
        self._waiting.add(call)
        self._schedule()
        try:
            yield
            await self._record.end_wait(call, began_at, timestamp(self._clock.now()))
        finally:
            self._waiting.discard(call)
            self._schedule()

    def _schedule(self) -> None:
        if self._limit is None or self._limit.expired():
            return
        if self._waiting:
            self._limit.reschedule(None)
        else:
            left = self._seconds - self._spent().total_seconds()
            self._limit.reschedule(asyncio.get_running_loop().time() + left)

    def _spent(self) -> timedelta:
        now = self._clock.now()
        start = self._start or now
        # A wait that was interrupted, and is not taken up again, was over when this runner began.
        waits = [
            (began, ended or (now if call in self._waiting else self._resumed or now))
            for call, began, ended in self._record.waits()
        ]
        # A clock that was set back must not make the limit longer.
        return max(timedelta(), now - start - _together(waits))


def _together(intervals: Iterable[Interval]) -> timedelta:
    """The length of what at least one of them covers."""
    total, reached = timedelta(), None
    for begin, end in sorted(intervals):
        begin = max(begin, reached or begin)
        total += max(timedelta(), end - begin)
        reached = max(end, reached or end)
    return total
