"""The file by which a daemon is found: locked as long as it lives, and in it what it says of itself.

Whether a daemon runs is told by the lock alone, which the system takes from a process that ends, however it ends, and
which no clock moves. What is written there outlives a daemon that was killed, so that the next one takes its place; one
that ended in good order has removed it.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from stigmer_tui.core.errors import StigmerError, as_text
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import open_private
from stigmer_tui.core.processes import ProcessIdentity

RETRY_PAUSE = 0.02
"""Seconds between two attempts to lock the file."""

LOOK = 2.0
"""Seconds from one look at whether the file is still there to the next."""


@dataclass(frozen=True, slots=True)
class DaemonRecord:
    pid: int
    start: str
    """See ProcessIdentity: a pid alone may belong to another by now."""
    address: str
    version: str
    requires_token: bool

    @property
    def alive(self) -> bool:
        return ProcessIdentity(self.pid, self.start).alive


class DaemonLock:
    """The daemon's own hold on its file."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path, limit: float) -> DaemonLock:
        """Waits for a predecessor that is on its way out. Raises TimeoutError when another holds it for `limit` s."""
        end = time.monotonic() + limit
        while True:
            lock = cls(path, open_private(path, os.O_RDWR))
            with suppress(BlockingIOError):
                fcntl.flock(lock._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if lock.is_in_place():
                    return lock
            os.close(lock._descriptor)
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(RETRY_PAUSE)

    def write(self, record: DaemonRecord) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(asdict(record)).encode(), 0)

    def clear(self) -> None:
        """After an end in good order there is nothing to go on with."""
        os.ftruncate(self._descriptor, 0)

    def release(self) -> None:
        os.close(self._descriptor)

    def is_in_place(self) -> bool:
        """False when the file was deleted, or replaced: from then on nobody finds this daemon any more."""
        try:
            there, ours = self._path.stat(), os.fstat(self._descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    async def lost(self) -> None:
        """Returns when the file is no longer in its place."""
        while self.is_in_place():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(LOOK)


def daemon_runs(home: Home) -> bool:
    """Whether a daemon holds the file; also one that has only begun to start, or that is stuck."""
    with _opened(home.daemon_lock) as descriptor:
        return descriptor is not None and not _lock(descriptor, fcntl.LOCK_SH)


def read_record(home: Home) -> DaemonRecord | None:
    """Of the daemon that runs, or of one that was killed; None after an end in good order, and before it is ready."""
    try:
        match from_json(home.daemon_lock.read_text(encoding="utf-8")):
            case {
                "pid": int(pid),
                "start": str(start),
                "address": str(address),
                "version": str(version),
                "requires_token": bool(requires_token),
            } if 0 < pid < 2**31:
                return DaemonRecord(pid, start, as_text(address, "The address"), version, requires_token)
    except (OSError, ValueError, StigmerError):
        pass
    return None


def clear_record(home: Home) -> None:
    """Of a daemon that does not run any more; that of one that runs is its own."""
    with _opened(home.daemon_lock) as descriptor:
        if descriptor is not None and _lock(descriptor, fcntl.LOCK_EX):
            os.ftruncate(descriptor, 0)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """None when there is no such file. Closing it gives back a lock that was got."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError):
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int) -> bool:
    """Whether it was got at once."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
