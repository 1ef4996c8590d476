"""Gathers the texts of a stream, token by token, to what a person can see of it.

The framework takes some 50 µs for each event, however short its text is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

Event = TypeVar("Event")

INTERVAL = 0.01
"""Seconds from one text to the next, a third of a frame of the screen. The first one is given at once."""

MAX_AHEAD = 1_000_000
"""Characters that are read ahead of the framework."""
EVENT_SIZE = 100
"""Characters that an event which stands alone counts for."""


@dataclass(slots=True)
class TextDelta(Generic[Event]):
    """A piece of a text."""

    key: Hashable
    """Consecutive pieces with the same key are one text."""
    text: str
    event: Callable[[str], Event]
    """Makes the event for the framework."""


Output: TypeAlias = TextDelta[Event] | Event
"""What a reader makes of a response: pieces of text, and events that stand alone."""


class GatheredOutput(Generic[Event]):
    """Reads the output of a response ahead, in a task of its own, and gives it as events in their order."""

    def __init__(self, output: AsyncIterator[Output[Event]]) -> None:
        self._pending: list[tuple[TextDelta[Event], list[str]] | Event] = []
        self._ahead = 0
        self._arrived = asyncio.Event()
        self._taken = asyncio.Event()
        self._reading = asyncio.create_task(self._read(output))

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Events as they gather. Raises what reading raises, after what was before."""
        loop = asyncio.get_running_loop()
        given_at = -INTERVAL
        while True:
            await self._arrived.wait()
            if not self._reading.done() and (rest := given_at + INTERVAL - loop.time()) > 0:
                # The end of a response does not wait.
                await asyncio.wait({self._reading}, timeout=rest)
            given_at = loop.time()
            for event in self._take():
                yield event
            if self._reading.done() and not self._pending:
                self._reading.result()
                return

    async def close(self) -> None:
        """Stops reading."""
        self._reading.cancel()
        # Its error is not raised again: that would chain it to what came of it.
        await asyncio.wait({self._reading})

    def _take(self) -> list[Event]:
        pending, self._pending, self._ahead = self._pending, [], 0
        self._arrived.clear()
        self._taken.set()
        return [item[0].event("".join(item[1])) if isinstance(item, tuple) else item for item in pending]

    async def _read(self, output: AsyncIterator[Output[Event]]) -> None:
        try:
            async for item in output:
                self._append(item)
                self._arrived.set()
                if self._ahead > MAX_AHEAD:
                    self._taken.clear()
                    await self._taken.wait()
        finally:
            self._arrived.set()

    def _append(self, item: Output[Event]) -> None:
        if not isinstance(item, TextDelta):
            self._pending.append(item)
            self._ahead += EVENT_SIZE
            return
        last = self._pending[-1] if self._pending else None
        if isinstance(last, tuple) and last[0].key == item.key:
            last[1].append(item.text)
        else:
            self._pending.append((item, [item.text]))
        self._ahead += len(item.text)
