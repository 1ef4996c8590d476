"""What the system tells of changed files, as an asynchronous stream that can be cancelled at any moment.

The library's own stream waits in a cancel scope of its own, which now and then takes a cancellation from outside for
its own: a program that was interrupted at that moment went on.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Collection
from pathlib import Path


async def file_notifications(
    *folders: str | Path, step: int, debounce: int, timeout: int
) -> AsyncGenerator[Collection[str], None]:
    """Paths that changed in these folders, not in those below; none after `timeout` milliseconds without a change.

    `step` is the time in milliseconds between two looks at what the system has told, `debounce` the longest time over
    which changes are gathered. Raises OSError where the folders cannot be watched.
    """
    from watchfiles._rust_notify import RustNotify

    stopped = threading.Event()
    try:
        notify = RustNotify([str(folder) for folder in folders], False, False, 300, False, False)
        while True:
            changes = await asyncio.to_thread(notify.watch, debounce, step, timeout, stopped)
            # A text instead of changes says why there are none.
            yield () if isinstance(changes, str) else [path for _, path in changes]
    except RuntimeError as error:
        raise OSError(str(error)) from error
    finally:
        # The thread looks at this in each of its steps, and closes what it watches when it is gone.
        stopped.set()
