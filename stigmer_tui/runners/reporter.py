"""Reports the changes of an execution at a steady rate, however many there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from stigmer_tui.runners.lease import Delta, Lease, LeaseLost, StopReason

logger = logging.getLogger(__name__)

INTERVAL = 0.02
"""Seconds between two reports: shorter than a frame of any screen."""


class Reporter:
    """Whoever changes the execution calls `touch`; what has changed since the last report is then taken and sent.

    The first change after a quiet time goes out at once, those that follow within the interval go together.
    """

    def __init__(self, lease: Lease, take: Callable[[], Delta | None], interval: float = INTERVAL) -> None:
        self._lease = lease
        self._take = take
        self._interval = interval
        self._dirty = asyncio.Event()
        self._sending = asyncio.Lock()

    def touch(self) -> None:
        self._dirty.set()

    async def flush(self) -> None:
        """Returns when everything up to now has been reported. Raises LeaseLost."""
        await self._send()

    async def run(self) -> None:
        """Until cancelled, or until the lease is lost; the lease then stops the work by itself."""
        try:
            while True:
                await self._dirty.wait()
                await self._send()
                await asyncio.sleep(self._interval)
        except LeaseLost:
            return
        except Exception as error:
            # What it took and could not send is lost to the server: the work must not go on as if it were known.
            logger.exception("a report of %s failed", self._lease.execution_id)
            self._lease.stop(StopReason.REFUSED, repr(error))

    async def _send(self) -> None:
        async with self._sending:
            self._dirty.clear()
            delta = self._take()
            if delta is not None:
                await self._lease.report(delta)


@asynccontextmanager
async def reporting(lease: Lease, take: Callable[[], Delta | None]) -> AsyncIterator[Reporter]:
    """A reporter that runs as long as the block. What was changed but not reported when the block ends stays so."""
    reporter = Reporter(lease, take)
    loop = asyncio.create_task(reporter.run())
    try:
        yield reporter
    finally:
        loop.cancel()
        await asyncio.wait([loop])
