"""The record by which a daemon is found: a file that is locked while the daemon lives and contains its address.

Only the lock says whether a daemon runs: the system releases it however the process ends, and it does not depend on a
clock. The content outlives a killed daemon, so that the next one can take its place; a graceful stop clears it.
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
from stigmer_tui.core.remote_access import RemoteAccess

RETRY_PAUSE = 0.02
"""Seconds between two attempts to lock the file."""

LOOK = 2.0
"""Seconds between checks that the file still exists."""


REMOTE = ("listen", "tls_certificate", "tls_key")
"""Fields that a record of an earlier version lacks."""


@dataclass(frozen=True, slots=True)
class DaemonRecord:
    pid: int
    start: str
    """See ProcessIdentity: a pid alone may have been reused."""
    address: str
    version: str
    requires_token: bool
    listen: str = ""
    """host:port for other machines; empty for none."""
    tls_certificate: str = ""
    tls_key: str = ""

    @property
    def remote(self) -> RemoteAccess | None:
        if not self.listen:
            return None
        return RemoteAccess(self.listen, Path(self.tls_certificate), Path(self.tls_key))

    @property
    def alive(self) -> bool:
        return ProcessIdentity(self.pid, self.start).alive


class DaemonLock:
    """The daemon's own lock on its record."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    @classmethod
    def acquire(cls, path: Path, limit: float) -> DaemonLock:
        """Waits for a predecessor that is ending. Raises TimeoutError after `limit` seconds."""
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
        """Empties the record at a graceful stop."""
        os.ftruncate(self._descriptor, 0)

    def release(self) -> None:
        os.close(self._descriptor)

    def is_in_place(self) -> bool:
        """False if the file was deleted or replaced, so that this daemon can no longer be found."""
        try:
            there, ours = self._path.stat(), os.fstat(self._descriptor)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    async def lost(self) -> None:
        """Waits until the file is deleted or replaced."""
        while self.is_in_place():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(LOOK)


def daemon_runs(home: Home) -> bool:
    """Whether a daemon holds the lock, even if it is still starting or hangs."""
    with _opened(home.daemon_lock) as descriptor:
        return descriptor is not None and not _lock(descriptor, fcntl.LOCK_SH)


def read_record(home: Home) -> DaemonRecord | None:
    """The record of a running or killed daemon; None after a graceful stop and before the daemon is ready."""
    try:
        content = from_json(home.daemon_lock.read_text(encoding="utf-8"))
        remote = [str(content.get(key) or "") for key in REMOTE] if isinstance(content, dict) else []
        match content:
            case {
                "pid": int(pid),
                "start": str(start),
                "address": str(address),
                "version": str(version),
                "requires_token": bool(requires_token),
            } if 0 < pid < 2**31:
                return DaemonRecord(pid, start, as_text(address, "The address"), version, requires_token, *remote)
    except (OSError, ValueError, StigmerError):
        pass
    return None


def clear_record(home: Home) -> None:
    """Removes the record of a daemon that no longer runs."""
    with _opened(home.daemon_lock) as descriptor:
        if descriptor is not None and _lock(descriptor, fcntl.LOCK_EX):
            os.ftruncate(descriptor, 0)


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A descriptor of the file, or None. Closing it releases the lock."""
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
    """Tries to lock; returns whether it succeeded."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
