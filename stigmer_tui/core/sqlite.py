"""One SQLite file with one writing thread: whoever waits for a write waits for a commit that many writes share."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.private_files import ensure_private

Result = TypeVar("Result")
Write = Callable[[sqlite3.Connection], Result]

MOST_IN_A_COMMIT = 512
"""Writes that may share a commit; bounds how long the first of them waits."""


class Database:
    """Write-ahead logged and synchronous: a write that has returned survives the process and the machine.

    `migrations` are scripts in order; the file remembers how many it has seen (`PRAGMA user_version`).
    Raises StigmerError for a file that a newer program wrote, or that is no database.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self._path = path
        with suppress(OSError):
            # Before SQLite makes it, for everybody. What is wrong with it otherwise, that says better.
            ensure_private(path)
        self._queue: queue.SimpleQueue[tuple[Write[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._reader = threading.local()
        try:
            connection = self._connect()
            self._migrate(connection, migrations)
        except sqlite3.DatabaseError as error:
            advice = "Move it away to start with an empty one."
            raise StigmerError(f"Cannot use the database {path}: {error}", advice) from error
        self._thread = threading.Thread(target=self._write_loop, args=(connection,), name=path.name, daemon=True)
        self._thread.start()

    def write(self, write: Write[Result]) -> asyncio.Future[Result]:
        """Runs in the writing thread, in the order of the calls; done when it is durable, failed when it raised."""
        return asyncio.wrap_future(self.submit(write))

    def submit(self, write: Write[Result]) -> Future[Result]:
        """As `write`, for callers without an event loop."""
        future: Future[Result] = Future()
        self._queue.put((write, future))
        return future

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query, as of the last commit; on a connection of the calling thread."""
        connection = getattr(self._reader, "connection", None)
        if connection is None:
            connection = self._reader.connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
        return connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Returns when every write that was asked for is durable."""
        self._queue.put(None)
        self._thread.join()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, timeout=10)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(self, connection: sqlite3.Connection, migrations: Sequence[str]) -> None:
        (seen,) = connection.execute("PRAGMA user_version").fetchone()
        if seen > len(migrations):
            advice = "Install that version, or use another STIGMER_HOME."
            raise StigmerError(f"{self._path} was written by a newer version of this program", advice)
        for version, script in enumerate(migrations[seen:], seen + 1):
            connection.executescript(f"BEGIN; {script}; PRAGMA user_version = {version}; COMMIT")

    def _write_loop(self, connection: sqlite3.Connection) -> None:
        closing = False
        while not closing:
            batch = [self._queue.get()]
            while len(batch) < MOST_IN_A_COMMIT:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            closing = None in batch
            self._commit(connection, [item for item in batch if item is not None])
        connection.close()

    def _commit(self, connection: sqlite3.Connection, batch: list[tuple[Write[Any], Future[Any]]]) -> None:
        if not batch:
            return
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        connection.execute("BEGIN IMMEDIATE")
        for write, future in batch:
            connection.execute("SAVEPOINT one")
            try:
                result = write(connection)
                # A cursor that ends in another thread resets a statement that this one may be using.
                outcomes.append((future, None if isinstance(result, sqlite3.Cursor) else result, None))
            except Exception as error:
                connection.execute("ROLLBACK TO one")
                outcomes.append((future, None, error))
            connection.execute("RELEASE one")
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            connection.execute("ROLLBACK")
            outcomes = [(future, None, error) for future, _, _ in outcomes]
        for future, result, failure in outcomes:
            if not future.set_running_or_notify_cancel():
                continue
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)
