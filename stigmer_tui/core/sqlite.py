"""One SQLite file with one writing thread and group commit: many pending writes share one transaction."""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from stigmer_tui.core.migration_backup import back_up
from stigmer_tui.core.private_files import ensure_private
from stigmer_tui.core.storage_errors import Fault, StorageError, storage_error

logger = logging.getLogger(__name__)

Result = TypeVar("Result")
Write = Callable[[sqlite3.Connection], Result]

MAX_COMMIT_SIZE = 512
"""Writes that may share a commit, which bounds how long the first of them waits."""

LOCK_LIMIT = 5.0
"""Seconds that a write waits while another process has locked the file."""

READ_LOCK_LIMIT = 0.5
"""Like LOCK_LIMIT, for reads, which may block an event loop."""

PROBE_INTERVAL = 2.0
"""Seconds between probes of a file that could not be written."""

RETRY_PAUSES = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Seconds between attempts of a write that must succeed in the end; the last one is repeated."""

MAX_CHECKED = 16 << 20
"""Bytes. Smaller files are checked as a whole when they are opened, in about 30 ms; damage in larger ones is found by
the query that meets it.
"""


@dataclass(slots=True, eq=False)
class Job(Generic[Result]):
    """A queued write and its outcome."""

    write: Write[Result]
    future: Future[Result]
    result: Any = None
    error: BaseException | None = field(default=None)

    def settle(self) -> None:
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            # A cursor finalized in another thread would reset a statement that this thread may be using.
            self.future.set_result(None if isinstance(self.result, sqlite3.Cursor) else self.result)  # type: ignore[arg-type]


class Database:
    """Write-ahead log with full synchronization: a write that has returned survives a crash of the machine.

    `migrations` are scripts, or functions of the connection, in order; `PRAGMA user_version` counts those applied. An
    older file is copied before (`core/migration_backup`).
    A write fails with StorageError if the file cannot be written, and with its own error otherwise; the writing thread
    survives both. Raises StorageError for a file that cannot be used.
    """

    def __init__(self, path: Path, migrations: Sequence[str | Callable[[sqlite3.Connection], None]]) -> None:
        self.path = path
        self.problem: StorageError | None = None
        """Why the last write failed, if the file is to blame; cleared once it can be written again."""
        self.on_problem: Callable[[], None] = lambda: None
        """Called by the writing thread when `problem` changes."""
        self._queue: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._is_closed = False
        with suppress(OSError):
            # Before SQLite creates it, readable by all. For any other problem SQLite has the better error.
            ensure_private(path)
        self._reader = threading.local()
        self._writer: sqlite3.Connection | None = None
        try:
            self._writer = self._connect("rwc", LOCK_LIMIT)
            check(self._writer, path)
            self._migrate(self._writer, migrations)
        except sqlite3.Error as error:
            self._reset()
            raise storage_error(path, error) or StorageError(path, Fault.DAMAGED, str(error)) from error
        except StorageError:
            self._reset()
            raise
        self._thread = threading.Thread(target=self._write_loop, name=path.name, daemon=True)
        self._thread.start()

    def write(self, write: Write[Result]) -> asyncio.Future[Result]:
        """Runs `write` in the writing thread, in order of the calls. The future is done when it is durable, or raises.

        A write is carried out even if the future is cancelled.
        """
        return asyncio.wrap_future(self.submit(write))

    def submit(self, write: Write[Result]) -> Future[Result]:
        """Like `write`, for callers without an event loop."""
        job = Job(write, Future[Result]())
        # A cancelled caller must not make a write that happens look like one that did not.
        job.future.set_running_or_notify_cancel()
        with self._closing:
            if self._is_closed:
                # Nobody would ever carry it out, and whoever waits for it would wait for ever.
                job.future.set_exception(StorageError(self.path, Fault.CLOSED))
            else:
                self._queue.put(job)
        return job.future

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """All rows of a query as of the last commit, on a connection of the calling thread. Raises StorageError."""
        try:
            connection = getattr(self._reader, "connection", None)
            if connection is None:
                connection = self._reader.connection = self._connect("rw", READ_LOCK_LIMIT)
                connection.execute("PRAGMA query_only = ON")
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            problem = storage_error(self.path, error)
            if problem is None:
                raise
            self._reader.connection = None
            raise problem from error

    def close(self) -> None:
        """Waits until every queued write is durable or has failed, and closes the file. Later writes fail."""
        with self._closing:
            self._is_closed = True
            self._queue.put(None)
        self._thread.join()

    def _connect(self, mode: str, lock_limit: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=lock_limit,
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _migrate(
        self, connection: sqlite3.Connection, migrations: Sequence[str | Callable[[sqlite3.Connection], None]]
    ) -> None:
        (seen,) = connection.execute("PRAGMA user_version").fetchone()
        if seen > len(migrations):
            raise StorageError(self.path, Fault.NEWER)
        if 0 < seen < len(migrations):
            copy = back_up(connection, self.path, seen)
            logger.info("%s of version %d is migrated to %d; a copy is at %s", self.path, seen, len(migrations), copy)
        for version, step in enumerate(migrations[seen:], seen + 1):
            if isinstance(step, str):
                connection.executescript(f"BEGIN; {step}; PRAGMA user_version = {version}; COMMIT")
                continue
            connection.execute("BEGIN")
            step(connection)
            connection.execute(f"PRAGMA user_version = {version}")
            connection.execute("COMMIT")

    # In the writing thread

    def _write_loop(self) -> None:
        closing = False
        while not closing:
            batch = self._next_batch()
            closing = None in batch
            jobs = [job for job in batch if job is not None]
            if jobs or (self.problem and not closing):
                self._commit(jobs)
        self._reset()

    def _next_batch(self) -> list[Job[Any] | None]:
        """The queued writes; empty if a probe is due because the file could not be written."""
        batch: list[Job[Any] | None] = []
        with suppress(queue.Empty):
            batch.append(self._queue.get(timeout=PROBE_INTERVAL if self.problem else None))
            while len(batch) < MAX_COMMIT_SIZE:
                batch.append(self._queue.get_nowait())
        return batch

    def _commit(self, jobs: list[Job[Any]]) -> None:
        """Runs all jobs in one transaction, each in its own savepoint; if the file cannot be written, none of them."""
        try:
            if self._writer is None:
                self._writer = self._connect("rw", LOCK_LIMIT)
            self._transact(self._writer, jobs)
            self._note(None)
        except BaseException as error:
            problem = storage_error(self.path, error)
            for job in jobs:
                job.error = problem or error
            self._note(problem)
            self._recover(problem)
        for job in jobs:
            job.settle()

    def _transact(self, connection: sqlite3.Connection, jobs: list[Job[Any]]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        if self.problem:
            # The jobs may not have touched the disk; this does.
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            connection.execute(f"PRAGMA user_version = {version}")
        for job in jobs:
            connection.execute("SAVEPOINT one")
            try:
                job.result = job.write(connection)
            except Exception as error:
                if storage_error(self.path, error) or not connection.in_transaction:
                    raise
                connection.execute("ROLLBACK TO one")
                job.error = error
            connection.execute("RELEASE one")
        connection.execute("COMMIT")

    def _recover(self, problem: StorageError | None) -> None:
        """Rolls back, unless SQLite has done so itself."""
        if problem is None or problem.fault in (Fault.FULL, Fault.LOCKED):
            with suppress(sqlite3.Error):
                if self._writer is not None and self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            if self._writer is not None and not self._writer.in_transaction:
                return
        # A connection that was opened on a read-only file stays read-only.
        self._reset()

    def _reset(self) -> None:
        if self._writer is not None:
            with suppress(sqlite3.Error):
                self._writer.close()
            self._writer = None

    def _note(self, problem: StorageError | None) -> None:
        changed = (self.problem and self.problem.fault) != (problem and problem.fault)
        self.problem = problem
        if changed:
            self.on_problem()


def inspect(path: Path, versions: int) -> None:
    """Checks a file that another process is going to use, if it exists: at most version `versions`, and not damaged.
    Raises StorageError.
    """
    if not path.exists():
        return
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=LOCK_LIMIT)
        ) as connection:
            check(connection, path)
            (seen,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error as error:
        raise storage_error(path, error) or StorageError(path, Fault.DAMAGED, str(error)) from error
    if seen > versions:
        raise StorageError(path, Fault.NEWER)


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises StorageError for a damaged file, or SQLite's error."""
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if path.stat().st_size > MAX_CHECKED:
        return
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StorageError(path, Fault.DAMAGED, " ".join(verdict.split()))


async def settled(future: asyncio.Future[Any]) -> bool:
    """Waits for the future even if the caller is cancelled; returns whether it was."""
    is_cancelled = False
    while not future.done():
        try:
            await asyncio.wait((future,))
        except asyncio.CancelledError:
            is_cancelled = True
    return is_cancelled


async def outcome(future: asyncio.Future[Result]) -> Result:
    """The outcome of a write, even if the caller is cancelled meanwhile: a queued write cannot be taken back, so its
    consequences must be handled; the cancellation is delivered at the caller's next await.
    """
    if await settled(future):
        _cancel_later()
    return future.result()


async def persisted(first: asyncio.Future[Result], again: Callable[[], asyncio.Future[Result]]) -> Result:
    """Like `outcome`, but retries for as long as the file cannot be written.

    Raises StorageError if waiting does not help.
    """
    attempt = 0
    future = first
    while True:
        try:
            return await outcome(future)
        except StorageError as error:
            if not error.may_pass:
                raise
        await asyncio.sleep(RETRY_PAUSES[min(attempt, len(RETRY_PAUSES) - 1)])
        attempt += 1
        future = again()


async def when_writable(action: Callable[[], Awaitable[Result]]) -> Result:
    """The result of an action that writes, and that can be repeated: tried for as long as the file cannot be written.

    Raises StorageError if waiting does not help.
    """
    attempt = 0
    while True:
        try:
            return await action()
        except StorageError as error:
            if not error.may_pass:
                raise
        await asyncio.sleep(RETRY_PAUSES[min(attempt, len(RETRY_PAUSES) - 1)])
        attempt += 1


def _cancel_later() -> None:
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
        task.cancel()
