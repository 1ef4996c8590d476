"""What a runner has done, step by step, so that whoever takes the execution over does none of it again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.private_files import FILE_MODE
from stigmer_tui.core.sqlite import Database

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
)

PREDECESSOR_LIMIT = 30.0
"""Seconds that a runner waits for the one before it to let go of the journal."""

NOTE_DELAY = 0.005
"""Seconds that a note waits at most for a step to be written with."""

Row = tuple[str, str, bool, str]


@dataclass(frozen=True, slots=True)
class Step:
    done: bool
    """False for a side effect that began and of which nobody knows whether it happened."""
    value: Any


class Journal:
    """The journal of one kind of runner, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        """Blocks while another process holds the journal. Raises StigmerError when it does not let go."""
        self._lock = FileLock(path.with_suffix(".lock"), mode=FILE_MODE, timeout=PREDECESSOR_LIMIT, poll_interval=0.02)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise StigmerError(f"{path} is still held by another process") from error
        self._database = Database(path, MIGRATIONS)

    def execution(self, execution_id: str) -> ExecutionJournal:
        rows = self._database.read("SELECT step, done, value FROM steps WHERE execution = ?", (execution_id,))
        steps = {step: Step(bool(done), json.loads(value)) for step, done, value in rows}
        return ExecutionJournal(self._database, execution_id, steps)

    def forget(self, execution_id: str) -> asyncio.Future[object]:
        """Of an execution that has ended for good."""
        return self._database.write(lambda db: db.execute("DELETE FROM steps WHERE execution = ?", (execution_id,)))

    def close(self) -> None:
        self._database.close()
        self._lock.release()


class ExecutionJournal:
    """The steps of one execution, by keys that are the same each time it runs (task path, iteration, attempt).

    Reading is from memory. Writing returns a future that is done when the step is durable, and all before it: a side
    effect waits for its `begin` where it must not happen twice, and for its `complete` before anything that depends
    on it. What costs nothing to do again is noted, and shares the next commit.
    """

    def __init__(self, database: Database, execution_id: str, steps: dict[str, Step]) -> None:
        self._database = database
        self._execution_id = execution_id
        self._steps = steps
        self._notes: list[Row] = []
        self._timer: asyncio.TimerHandle | None = None

    def __iter__(self) -> Iterator[tuple[str, Step]]:
        return iter(self._steps.items())

    def find(self, step: str) -> Step | None:
        return self._steps.get(step)

    def begin(self, step: str, value: Any = None) -> asyncio.Future[None]:
        return self._write(self._row(step, Step(False, value)))

    def complete(self, step: str, value: Any = None) -> asyncio.Future[None]:
        return self._write(self._row(step, Step(True, value)))

    def note(self, step: str, value: Any, done: bool = True) -> None:
        """Durable with the next step that is written, or a moment later."""
        self._notes.append(self._row(step, Step(done, value)))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NOTE_DELAY, self.flush)

    def flush(self) -> asyncio.Future[None]:
        """Writes what has only been noted; needed before the journal is closed or forgets the execution."""
        return self._write()

    def _row(self, step: str, state: Step) -> Row:
        self._steps[step] = state
        return self._execution_id, step, state.done, json.dumps(state.value, separators=(",", ":"))

    def _write(self, *rows: Row) -> asyncio.Future[None]:
        if self._timer is not None:
            self._timer.cancel()
        batch, self._notes, self._timer = [*self._notes, *rows], [], None

        def write(db: sqlite3.Connection) -> None:
            db.executemany("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?)", batch)

        return self._database.write(write)
