"""What a runner has done, step by step, so that the next runner of an execution repeats none of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.private_files import FILE_MODE
from stigmer_tui.core.sqlite import Database, inspect, persisted

MIGRATIONS = (
    """
    CREATE TABLE steps (
        execution TEXT NOT NULL,
        step TEXT NOT NULL,
        done INTEGER NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (execution, step)
    ) WITHOUT ROWID
    """,
    """
    ALTER TABLE steps ADD COLUMN content TEXT NOT NULL DEFAULT '';
    ALTER TABLE steps ADD COLUMN origin TEXT NOT NULL DEFAULT ''
    """,
)

PREDECESSOR_LIMIT = 30.0
"""Seconds that a runner waits for its predecessor to release the journal."""

NOTE_DELAY = 0.005
"""Seconds after which a note is written if no other step was written before."""


def inspect_journals(folder: Path) -> None:
    """Checks all journals before runners open them. Raises StorageError for one that cannot be used."""
    for path in sorted(folder.glob("*.db")):
        inspect(path, len(MIGRATIONS))


@dataclass(frozen=True, slots=True)
class JournalStep:
    done: bool
    """False for a side effect that began and that may or may not have happened."""
    value: Any
    content: str = ""
    """Digest of what was asked for; empty where no other run may reuse the step."""
    origin: str = ""
    """The execution that the step was taken over from; empty for one that this execution has made."""


class Journal:
    """The journal of one kind of runner, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Blocks while another process holds the journal. Raises StigmerError if that process does not release it."""
        self._lock = FileLock(path.with_suffix(".lock"), mode=FILE_MODE, timeout=PREDECESSOR_LIMIT, poll_interval=0.02)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StigmerError(f"{path} is still held by another process") from error
        self._database = Database(path, MIGRATIONS)

    def execution(self, execution_id: str) -> ExecutionJournal:
        rows = self._database.read(
            "SELECT step, done, value, content, origin FROM steps WHERE execution = ?", (execution_id,)
        )
        steps = {
            step: JournalStep(bool(done), json.loads(value), content, origin)
            for step, done, value, content, origin in rows
        }
        return ExecutionJournal(self._database, execution_id, steps)

    def executions(self) -> list[str]:
        """Ids of those that it has steps of."""
        return [str(execution_id) for (execution_id,) in self._database.read("SELECT DISTINCT execution FROM steps")]

    @property
    def problem(self) -> str:
        """Why the file cannot be written, so that work waits; empty if it can."""
        problem = self._database.problem
        return problem.message if problem else ""

    async def forget(self, execution_id: str) -> None:
        """Deletes the steps of an execution that has ended. Raises StorageError if the file is damaged."""

        def write() -> asyncio.Future[object]:
            return self._database.write(lambda db: db.execute("DELETE FROM steps WHERE execution = ?", (execution_id,)))

        await persisted(write(), write)

    def close(self) -> None:
        self._database.close()
        self._lock.release()


class ExecutionJournal:
    """The steps of one execution. Keys are paths of any length (task, iteration, attempt), the same in each process.

    Reading is from memory. Writing returns a task that is done when the step is durable, and all before it: a side
    effect waits for its `begin` where it must not happen twice, and for its `complete` before anything that depends
    on it. What costs nothing to do again is noted, and shares the next commit.

    Waiting for a step blocks as long as the file cannot be written, and raises StorageError if it is damaged.
    """

    def __init__(self, database: Database, execution_id: str, steps: dict[str, JournalStep]) -> None:
        self._database = database
        self._execution_id = execution_id
        self._steps = steps
        self._noted: dict[str, None] = {}
        """Steps that are not yet queued for writing."""
        self._timer: asyncio.TimerHandle | None = None
        self._saving: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[tuple[str, JournalStep]]:
        return iter(self._steps.items())

    def find(self, step: str) -> JournalStep | None:
        return self._steps.get(step)

    def begin(self, step: str, value: Any = None, content: str = "") -> asyncio.Future[None]:
        self._set(step, JournalStep(False, value, content))
        return self.flush()

    def complete(self, step: str, value: Any = None) -> asyncio.Future[None]:
        self._set(step, JournalStep(True, value))
        return self.flush()

    def note(self, step: str, value: Any, done: bool = True, content: str = "", origin: str = "") -> None:
        """Durable with the next step that is written, or a moment later."""
        self._set(step, JournalStep(done, value, content, origin))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NOTE_DELAY, self.flush)

    def flush(self) -> asyncio.Future[None]:
        """Writes what has only been noted; needed before the journal is closed or forgets the execution."""
        if self._timer is not None:
            self._timer.cancel()
        steps, self._noted, self._timer = self._noted, {}, None
        saving = asyncio.create_task(self._save(steps, self._write(steps)))
        self._saving.add(saving)
        saving.add_done_callback(self._saved)
        return saving

    def _set(self, step: str, state: JournalStep) -> None:
        self._steps[step] = state
        self._noted[step] = None

    async def _save(self, steps: dict[str, None], writing: asyncio.Future[None]) -> None:
        try:
            # A repeated write takes the latest state of each step.
            await persisted(writing, lambda: self._write(steps))
        except BaseException:
            self._noted = steps | self._noted
            raise

    def _write(self, steps: Iterable[str]) -> asyncio.Future[None]:
        rows = [
            (self._execution_id, step, state.done, _encoded(state), state.content, state.origin)
            for step in steps
            for state in (self._steps[step],)
        ]

        def write(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?)", rows)

        return self._database.write(write)

    def _saved(self, saving: asyncio.Task[None]) -> None:
        self._saving.discard(saving)
        if not saving.cancelled():
            # Waiting for the next step raises the same error.
            saving.exception()


def _encoded(step: JournalStep) -> str:
    return json.dumps(step.value, separators=(",", ":"))
