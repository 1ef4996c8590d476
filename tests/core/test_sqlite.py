"""The database with one writing thread: what it gives back, and to whom."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer_tui.core.sqlite import Database
from stigmer_tui.core.storage_errors import StorageError


@pytest.fixture
def quickly_switching_threads() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("quickly_switching_threads")
async def test_a_cursor_never_reaches_another_thread(tmp_path: Path) -> None:
    """Its end there resets a statement that the writing thread may just be running: `API misuse`."""
    database = Database(tmp_path / "test.db", ("CREATE TABLE numbers (number INTEGER PRIMARY KEY)",))

    def insert(db: sqlite3.Connection, number: int) -> sqlite3.Cursor:
        return db.execute("INSERT OR REPLACE INTO numbers VALUES (?)", (number,))

    async def write_many(number: int) -> None:
        for _ in range(30):
            assert await database.write(lambda db: insert(db, number)) is None

    await asyncio.gather(*(write_many(number) for number in range(30)))
    assert database.read("SELECT count(*) FROM numbers") == [(30,)]
    database.close()


async def test_a_write_after_the_end_fails_instead_of_waiting_for_ever(tmp_path: Path) -> None:
    database = Database(tmp_path / "data.db", ())
    database.close()
    with pytest.raises(StorageError, match="it is closed") as error:
        await database.write(lambda db: db.execute("SELECT 1"))
    assert not error.value.may_pass
