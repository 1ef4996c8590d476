"""Events of the file system: something has happened in some folders. What it was, a look at them tells."""

from __future__ import annotations

import asyncio
import errno
import platform
from collections.abc import Collection, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

from stigmer_tui.core.file_notifications import file_notifications

POLLING_INTERVAL = 0.5
"""Seconds between two looks where the system does not tell."""


class FileEvents(Protocol):
    async def wait(self, limit: float | None = None) -> bool:
        """Until something has happened since the last call; False when nothing has within `limit` seconds.

        Raises OSError when the system ceases to tell.
        """
        ...

    async def close(self) -> None: ...


def must_poll(environment: Mapping[str, str]) -> bool:
    """Whether somebody says so, in the way in which watchfiles is told, or the system cannot tell (WSL)."""
    wanted = environment.get("WATCHFILES_FORCE_POLLING", "")
    if wanted:
        return wanted.lower() not in ("false", "disable", "disabled")
    return "microsoft-standard" in platform.release().lower()


class PolledFileEvents:
    """Where the system does not tell: something may have happened, again and again."""

    def __init__(self, interval: float = POLLING_INTERVAL) -> None:
        self._interval = interval

    async def wait(self, limit: float | None = None) -> bool:
        seconds = self._interval if limit is None else min(limit, self._interval)
        await asyncio.sleep(seconds)
        return seconds == self._interval

    async def close(self) -> None:
        return


class SystemFileEvents:
    """What watchfiles is told by the system."""

    STEP = 30
    """Milliseconds from look to look of its thread. Shorter ones cost more of an idle processor than all the rest of
    the program, longer ones are felt at each save."""
    MAX_BATCH_LENGTH = 200
    """Milliseconds."""
    SILENCE = 60_000
    """Milliseconds without a change after which its thread asks anew; nobody is woken by that."""

    def __init__(self, folders: Collection[str]) -> None:
        self._happened = asyncio.Event()
        self._task = asyncio.create_task(self._listen(folders))

    @classmethod
    async def start(cls, folders: Collection[str]) -> SystemFileEvents:
        """To what happens in these folders, not in those below them, from now on. Raises OSError."""
        # A folder that has just been removed is left out: whoever looks next will see that it is gone.
        present = await asyncio.to_thread(lambda: [folder for folder in folders if Path(folder).is_dir()])
        if not present:
            raise OSError(errno.ENOENT, "the project's folder is not there")
        notices = cls(present)
        # In its first step, the task asks the system.
        await asyncio.sleep(0)
        if notices._task.done():
            notices._task.result()
        return notices

    async def wait(self, limit: float | None = None) -> bool:
        try:
            async with asyncio.timeout(limit):
                await self._happened.wait()
        except TimeoutError:
            return False
        self._happened.clear()
        if self._task.done():
            self._task.result()
        return True

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _listen(self, folders: Collection[str]) -> None:
        changes = file_notifications(*folders, step=self.STEP, debounce=self.MAX_BATCH_LENGTH, timeout=self.SILENCE)
        try:
            async with aclosing(changes):
                async for paths in changes:
                    if paths:
                        self._happened.set()
        finally:
            self._happened.set()
