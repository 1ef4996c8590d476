"""The exit code of a command without a screen, also of one that is interrupted or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.output import Output

COMPLETED, FAILED, INTERRUPTED = 0, 1, 130


async def until_interrupted(
    work: Coroutine[None, None, int],
    interrupted: asyncio.Event,
    output: Output,
    *beside: Coroutine[None, None, None],
) -> int:
    """That which `work` returns, or of the interrupt that cancels it. Errors go to the output.

    What goes on `beside` it is cancelled first, so that the work can end in peace.
    """
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(interrupted.wait())
    others = [asyncio.create_task(other) for other in beside]
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        if not working.done():
            working.cancel()
        return await working
    except asyncio.CancelledError:
        if not interrupted.is_set():
            raise
        return INTERRUPTED
    except StigmerError as error:
        output.failed(error)
        return INTERRUPTED if interrupted.is_set() else FAILED
    finally:
        for task in (stopping, *others):
            task.cancel()
