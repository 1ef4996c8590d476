"""Runs work in a thread that stops when its run is cancelled, and when it takes too long.

A thread cannot be killed. So long work calls `checkpoint` after each step, and its steps are small: one entry of a
folder, or one file of limited size.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, copy_context
from typing import TypeVar

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import duration_text

Result = TypeVar("Result")

MAX_STEP = 1.0
"""Seconds to wait for the current step when work is stopped. A step that hangs for longer is left behind."""


class _Stop:
    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.deadline = time.monotonic() + limit
        self.is_cancelled = False


class StoppedError(Exception):
    """The work has been cancelled."""


_stop: ContextVar[_Stop | None] = ContextVar("stop", default=None)


def checkpoint() -> None:
    """Raises StoppedError if the work has been cancelled, and StigmerError if its time is over."""
    stop = _stop.get()
    if stop is None:
        return
    if stop.is_cancelled:
        raise StoppedError
    if time.monotonic() > stop.deadline:
        raise StigmerError(f"not done within {duration_text(stop.limit)}; search in a smaller folder")


async def run_stoppable(work: Callable[[], Result], limit: float) -> Result:
    """Runs work in a thread of its own, for at most `limit` seconds. Cancelling stops the work first."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()
    # Retrieved, because after a cancellation nobody else retrieves it.
    done.add_done_callback(lambda future: future.cancelled() or future.exception())
    stop = _Stop(limit)
    context = copy_context()
    context.run(_stop.set, stop)

    def run() -> None:
        try:
            result = context.run(work)
        except BaseException as error:
            _deliver(loop, done.set_exception, error)
        else:
            _deliver(loop, done.set_result, result)

    threading.Thread(target=run, name="tool", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        stop.is_cancelled = True
        await asyncio.wait([done], timeout=MAX_STEP)
        raise


def _deliver(loop: asyncio.AbstractEventLoop, set_outcome: Callable[..., None], *outcome: object) -> None:
    with suppress(RuntimeError):  # The loop is closed: the process ends.
        loop.call_soon_threadsafe(set_outcome, *outcome)
