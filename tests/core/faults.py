"""Connections whose statements fail on demand, as on a disk that is full, gone, or locked by a stranger."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from stigmer_tui.core import sqlite

WORDS = {
    sqlite3.SQLITE_FULL: "database or disk is full",
    sqlite3.SQLITE_IOERR: "disk I/O error",
    sqlite3.SQLITE_READONLY: "attempt to write a readonly database",
    sqlite3.SQLITE_BUSY: "database is locked",
    sqlite3.SQLITE_CORRUPT: "database disk image is malformed",
}


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(WORDS[code])
    error.sqlite_errorcode = code
    return error


@dataclass(slots=True)
class Faults:
    """While `code` is set, statements that begin with `statement` fail with it."""

    code: int = 0
    statement: str = ""
    rolls_back: bool = True
    """Whether SQLite has ended the transaction by itself, as it does when the disk is full."""
    met: int = 0
    repeated: threading.Event = field(default_factory=threading.Event)
    """Set when several statements have failed."""

    def begin(self, code: int, statement: str = "") -> None:
        self.code, self.statement, self.met = code, statement, 0

    def end(self) -> None:
        self.code = 0

    def meet(self, connection: sqlite3.Connection, sql: str) -> None:
        code = self.code
        if not code or not sql.startswith(self.statement) or sql.startswith(("PRAGMA journal", "ROLLBACK")):
            return
        self.met += 1
        if self.met > 5:
            self.repeated.set()
        if self.rolls_back and connection.in_transaction:
            sqlite3.Connection.execute(connection, "ROLLBACK")
        raise failure(code)


class FaultyConnection(sqlite3.Connection):
    def __init__(self, *args: Any, faults: Faults, **options: Any) -> None:
        super().__init__(*args, **options)
        self._faults = faults

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self._faults.meet(self, sql)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        self._faults.meet(self, sql)
        return super().executemany(sql, parameters)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Of every database that the test opens. A statement that failed is repeated at once."""
    faults = Faults()
    factory = partial(FaultyConnection, faults=faults)
    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=factory))
    monkeypatch.setattr(sqlite, "RETRY_PAUSES", (0.001,))
    return faults
