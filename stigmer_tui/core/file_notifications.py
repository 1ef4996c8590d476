"""File notifications as an asynchronous stream that can be cancelled at any moment.

The stream of watchfiles itself waits in its own cancel scope, which sometimes swallows a cancellation from outside, so
that an interrupted program goes on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Collection
from pathlib import Path


async def file_notifications(
    *folders: str | Path, step: int, debounce: int, timeout: int
) -> AsyncGenerator[Collection[str], None]:
    """Paths that changed in these folders (not recursive); an empty set after `timeout` milliseconds without a change.

    `step` is the polling interval in milliseconds of the watching thread, `debounce` the longest time over which
    changes are collected. Raises OSError if the folders cannot be watched.
    """
    from watchfiles._rust_notify import RustNotify

    stopped = threading.Event()
    try:
        notify = RustNotify([str(folder) for folder in folders], False, False, 300, False, False)
        while True:
            changes = await asyncio.to_thread(notify.watch, debounce, step, timeout, stopped)
            # A string instead of changes is an error.
            yield () if isinstance(changes, str) else [path for _, path in changes]
    except RuntimeError as error:
        raise OSError(str(error)) from error
    finally:
        # The thread checks this event at every step.
        stopped.set()
