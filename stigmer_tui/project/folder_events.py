"""File system events: something has changed in some folders. What it was is found by reading them."""

from __future__ import annotations

import asyncio
import errno
import platform
import sys
from collections.abc import Collection, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Protocol

import psutil

from stigmer_tui.core.file_notifications import file_notifications
from stigmer_tui.core.inotify import FolderWatches

POLLING_INTERVAL = 0.5
"""Seconds between two polls where the system reports no events."""


class FileEvents(Protocol):
    """Reports that something in some folders may have changed."""

    async def wait(self, limit: float | None = None) -> bool:
        """Waits for a change since the last call; returns False if there is none within `limit` seconds.

        Raises OSError when the system stops reporting.
        """
        ...

    async def close(self) -> None:
        """Stops watching."""
        ...


SHARED_FILE_SYSTEMS = (
    *("nfs", "cifs", "smb", "afs", "afpfs", "webdav", "ncpfs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs"),
    # Of virtual machines and containers.
    *("9p", "virtiofs", "vboxsf", "vmhgfs", "prl_fs", "grpcfuse", "fuse.grpcfuse", "fuse.osxfs", "fakeowner"),
    *("fuse.sshfs", "fuse.rclone", "fuse.vmhgfs", "fuse.s3fs", "macfuse"),
)
"""How the names of file systems begin where a change that another machine has made is not reported here."""


def must_poll(environment: Mapping[str, str], folder: Path) -> bool:
    """Whether polling is asked for, by the variable that watchfiles reads, or the system does not report all changes:
    on WSL, and of a folder that other machines write too.
    """
    wanted = environment.get("WATCHFILES_FORCE_POLLING", "")
    if wanted:
        return wanted.lower() not in ("false", "disable", "disabled")
    return "microsoft-standard" in platform.release().lower() or is_shared(folder)


def is_shared(folder: Path) -> bool:
    """Whether the folder is on a file system that other machines write too."""
    return _file_system(folder).lower().startswith(SHARED_FILE_SYSTEMS)


def _file_system(folder: Path) -> str:
    """The name of its type; empty where it is not known."""
    mounts = {mount.mountpoint: mount.fstype for mount in psutil.disk_partitions(all=True)}
    real = folder.resolve()
    return next((mounts[str(path)] for path in (real, *real.parents) if str(path) in mounts), "")


class PolledFileEvents:
    """Polling, where the system reports no events: at each interval something may have changed."""

    def __init__(self, interval: float = POLLING_INTERVAL) -> None:
        self._interval = interval

    async def wait(self, limit: float | None = None) -> bool:
        """Returns True after the interval, and False if `limit` seconds are shorter."""
        seconds = self._interval if limit is None else min(limit, self._interval)
        await asyncio.sleep(seconds)
        return seconds == self._interval

    async def close(self) -> None:
        """Does nothing: there is nothing to stop."""


async def _is_set(changed: asyncio.Event, limit: float | None) -> bool:
    """Waits for the event and clears it; False if it is not set within `limit` seconds."""
    try:
        async with asyncio.timeout(limit):
            await changed.wait()
    except TimeoutError:
        return False
    changed.clear()
    return True


class SystemFileEvents:
    """Events of the operating system: on Linux its own, elsewhere by watchfiles."""

    STEP = 30
    """Milliseconds between two checks of its thread. Fewer cost more processor time at rest than the rest of the
    program, more are felt at each save."""
    MAX_BATCH_LENGTH = 200
    """Milliseconds."""
    SILENCE = 60_000
    """Milliseconds without a change after which its thread starts a new wait; no task is woken by that."""

    def __init__(self, folders: Collection[str]) -> None:
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._listen(folders))

    @classmethod
    async def start(cls, folders: Collection[str]) -> FileEvents:
        """Watches these folders, but not those below them, from now on. Raises OSError."""
        if sys.platform != "linux":
            return await cls._by_watchfiles(folders)
        return LinuxFileEvents(folders)

    @classmethod
    async def _by_watchfiles(cls, folders: Collection[str]) -> SystemFileEvents:
        # A folder that has just been removed is left out: the next snapshot shows that it is gone.
        present = await asyncio.to_thread(lambda: [folder for folder in folders if Path(folder).is_dir()])
        if not present:
            raise OSError(errno.ENOENT, "the project's folder is not there")
        events = cls(present)
        # The task registers with the system in its first step.
        await asyncio.sleep(0)
        if events._task.done():
            events._task.result()
        return events

    async def wait(self, limit: float | None = None) -> bool:
        """As `FileEvents.wait`."""
        has_changed = await _is_set(self._changed, limit)
        if has_changed and self._task.done():
            self._task.result()
        return has_changed

    async def close(self) -> None:
        """Ends the task, and waits for it."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _listen(self, folders: Collection[str]) -> None:
        changes = file_notifications(*folders, step=self.STEP, debounce=self.MAX_BATCH_LENGTH, timeout=self.SILENCE)
        try:
            async with aclosing(changes):
                async for paths in changes:
                    if paths:
                        self._changed.set()
        finally:
            self._changed.set()


class LinuxFileEvents:
    """Events of Linux, which come at once."""

    def __init__(self, folders: Collection[str]) -> None:
        """Raises OSError when they cannot be watched."""
        self._changed = asyncio.Event()
        self._watches = FolderWatches(folders, self._changed.set)

    async def wait(self, limit: float | None = None) -> bool:
        """As `FileEvents.wait`."""
        return await _is_set(self._changed, limit)

    async def close(self) -> None:
        """Stops watching."""
        self._watches.close()
