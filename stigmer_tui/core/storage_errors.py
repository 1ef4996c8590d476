"""What can be wrong with a database file, whether it may pass, and the words for it."""

from __future__ import annotations

import sqlite3
from enum import Enum
from pathlib import Path

from stigmer_tui.core.errors import StigmerError


class Fault(Enum):
    FULL = "the disk is full"
    READ_ONLY = "it cannot be written"
    LOCKED = "another program keeps it locked"
    IO = "the disk reports an error"
    DAMAGED = "it is damaged"
    NEWER = "it was written by a newer version of this program"
    CLOSED = "it is closed, because the process ends"


ADVICE = {
    Fault.FULL: "Make room on the disk; what waits for it then goes on by itself.",
    Fault.READ_ONLY: "Give this user the right to write the file and its folder.",
    Fault.LOCKED: "Close the program that has the file open, such as a database browser.",
    Fault.IO: "See whether the disk is still there and well.",
    Fault.DAMAGED: (
        "Move the file away to start with an empty one, together with the files beside it that end in -wal and -shm, "
        "or put a copy from a backup in its place."
    ),
    Fault.CLOSED: "Try again when it has been started again.",
    Fault.NEWER: "Install that version, use another STIGMER_HOME, or move the file away to start with an empty one.",
}

FAULTS = {
    sqlite3.SQLITE_FULL: Fault.FULL,
    sqlite3.SQLITE_READONLY: Fault.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Fault.READ_ONLY,
    sqlite3.SQLITE_PERM: Fault.READ_ONLY,
    sqlite3.SQLITE_AUTH: Fault.READ_ONLY,
    sqlite3.SQLITE_BUSY: Fault.LOCKED,
    sqlite3.SQLITE_LOCKED: Fault.LOCKED,
    sqlite3.SQLITE_PROTOCOL: Fault.LOCKED,
    sqlite3.SQLITE_IOERR: Fault.IO,
    sqlite3.SQLITE_CORRUPT: Fault.DAMAGED,
    sqlite3.SQLITE_NOTADB: Fault.DAMAGED,
    sqlite3.SQLITE_FORMAT: Fault.DAMAGED,
}
"""Faults by SQLite's primary result code; every other code is an error of the statement, not of the file."""


UNUSABLE = 78
"""Exit code of a process that cannot use a file of its own: restarting it is useless until a person has acted."""

WAITING = 75
"""Exit code of a process that could not use a file of its own just now, such as on a full disk."""


class StorageError(StigmerError):
    """A database file cannot be read or written."""

    def __init__(self, path: Path, fault: Fault, details: str = "") -> None:
        super().__init__(f"Cannot use {path}: {fault.value}" + (f" ({details})" if details else ""), ADVICE[fault])
        self.path = path
        self.fault = fault
        self.exit_code = WAITING if self.may_pass else UNUSABLE

    @property
    def may_pass(self) -> bool:
        """Whether a retry may succeed."""
        return self.fault not in (Fault.CLOSED, Fault.DAMAGED, Fault.NEWER)


def storage_error(path: Path, error: BaseException) -> StorageError | None:
    """The StorageError for an error of SQLite, or None if the statement is to blame."""
    if isinstance(error, StorageError):
        return error
    if not isinstance(error, sqlite3.Error):
        return None
    # The lowest byte of an extended result code is the primary one.
    fault = FAULTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return StorageError(path, fault, str(error)) if fault else None
