"""A signal that can be waited for: nothing is missed, and nobody waits for what has happened."""

from __future__ import annotations

import asyncio

from stigmer_tui.core.changes import ChangeSignal

LIMIT = 60.0


async def test_what_has_happened_is_not_waited_for() -> None:
    signal = ChangeSignal()
    assert signal.count == 0
    signal.note()
    signal.note()
    assert await asyncio.wait_for(signal.after(0), LIMIT) == 2
    assert await asyncio.wait_for(signal.after(1), LIMIT) == 2


async def test_every_waiter_is_woken_by_the_next_change() -> None:
    signal = ChangeSignal()
    signal.note()
    waiters = [asyncio.create_task(signal.after(1)) for _ in range(3)]
    late = asyncio.create_task(signal.after(2))
    await asyncio.sleep(0)
    signal.note()
    assert await asyncio.wait_for(asyncio.gather(*waiters), LIMIT) == [2, 2, 2]
    assert not late.done()
    signal.note()
    assert await asyncio.wait_for(late, LIMIT) == 3


async def test_a_waiter_that_was_cancelled_is_not_in_the_way() -> None:
    signal = ChangeSignal()
    cancelled, waiter = asyncio.create_task(signal.after(0)), asyncio.create_task(signal.after(0))
    await asyncio.sleep(0)
    cancelled.cancel()
    signal.note()
    assert await asyncio.wait_for(waiter, LIMIT) == 1
    await asyncio.wait((cancelled,))
    assert cancelled.cancelled()
