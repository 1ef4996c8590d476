"""A signal for streams of resource and execution lists: something has changed."""

from __future__ import annotations

import asyncio


class ChangeSignal:
    """A counter that only grows and can be awaited."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self.count = 0

    def note(self) -> None:
        self.count += 1
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def after(self, count: int) -> int:
        """Waits until there were more than `count` changes, and returns their number."""
        while self.count <= count:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)
        return self.count
