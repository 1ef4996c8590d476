"""Work in a thread that can be stopped: when its run is cancelled, and when it takes too long.

A thread cannot be killed. So whatever may go on for long comes by `checkpoint` after each step, and its steps are
small: one entry of a folder, or one file of bounded size.
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
"""Seconds that a step has to end when it is stopped. One that hangs in the system for longer is left behind."""


class _Stop:
    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.deadline = time.monotonic() + limit
        self.is_asked = False


class StoppedError(Exception):
    """Nobody waits for the work any more."""


_stop: ContextVar[_Stop | None] = ContextVar("stop", default=None)


def checkpoint() -> None:
    """Raises StoppedError when the work is to be stopped, and StigmerError when its time is over."""
    stop = _stop.get()
    if stop is None:
        return
    if stop.is_asked:
        raise StoppedError
    if time.monotonic() > stop.deadline:
        raise StigmerError(f"not done within {duration_text(stop.limit)}; search in a smaller folder")


async def run_stoppable(work: Callable[[], Result], limit: float) -> Result:
    """Runs the work in a thread of its own, for at most `limit` seconds. When cancelled, it stops the work first."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()
    # Asked for, for nobody may be left to ask.
    done.add_done_callback(lambda future: future.cancelled() or future.exception())
    stop = _Stop(limit)
    context = copy_context()
    context.run(_stop.set, stop)

    def run() -> None:
        try:
            result = context.run(work)
        except BaseException as error:
            _tell(loop, done.set_exception, error)
        else:
            _tell(loop, done.set_result, result)

    threading.Thread(target=run, name="tool", daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        stop.is_asked = True
        await asyncio.wait([done], timeout=MAX_STEP)
        raise


def _tell(loop: asyncio.AbstractEventLoop, tell: Callable[..., None], *outcome: object) -> None:
    with suppress(RuntimeError):  # The loop is closed: the process ends.
        loop.call_soon_threadsafe(tell, *outcome)
