"""A file that cannot be written fails its caller, with the reason, and everything goes on as soon as it can be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

import pytest

from stigmer_tui.core import sqlite
from stigmer_tui.core.sqlite import Database, persisted
from stigmer_tui.core.storage_errors import Fault, StorageError
from tests.core.faults import Faults

SCHEMA = ("CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)",)
LIMIT = 60.0


@pytest.fixture
def database(tmp_path: Path, faults: Faults) -> Iterator[Database]:
    with closing(Database(tmp_path / "test.db", SCHEMA)) as database:
        yield database


def insert(database: Database, number: int, text: str = "") -> asyncio.Future[None]:
    def write(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO numbers VALUES (?, ?)", (number, text))

    return database.write(write)


def numbers(database: Database) -> list[int]:
    return [number for (number,) in database.read("SELECT number FROM numbers ORDER BY number")]


@pytest.mark.parametrize("rolls_back", [True, False])
@pytest.mark.parametrize("statement", ["BEGIN", "SAVEPOINT", "INSERT", "RELEASE", "COMMIT", ""])
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, Fault.FULL),
        (sqlite3.SQLITE_IOERR, Fault.IO),
        (sqlite3.SQLITE_READONLY, Fault.READ_ONLY),
        (sqlite3.SQLITE_BUSY, Fault.LOCKED),
    ],
)
async def test_a_failing_statement_fails_its_caller_and_the_next_write_succeeds(
    database: Database, faults: Faults, code: int, fault: Fault, statement: str, rolls_back: bool
) -> None:
    """Point 11: at every statement of a transaction, whether or not SQLite has rolled back by itself."""
    await insert(database, 1)
    faults.rolls_back = rolls_back
    faults.begin(code, statement)
    with pytest.raises(StorageError) as error:
        await asyncio.wait_for(insert(database, 2), LIMIT)
    assert error.value.fault is fault
    assert str(database.path) in error.value.message
    assert fault.value in error.value.message
    assert database.problem is not None
    faults.end()
    await asyncio.wait_for(insert(database, 3), LIMIT)
    assert numbers(database) == [1, 3]
    assert database.problem is None


async def test_a_problem_is_over_when_the_file_can_be_written_again_though_nobody_writes(
    database: Database, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 11: the status tells the truth."""
    monkeypatch.setattr(sqlite, "PROBE_INTERVAL", 0.01)
    noted: SimpleQueue[bool] = SimpleQueue()
    database.on_problem = lambda: noted.put(database.problem is not None)
    faults.begin(sqlite3.SQLITE_FULL, "COMMIT")
    with pytest.raises(StorageError):
        await insert(database, 1)
    faults.end()
    assert await asyncio.to_thread(noted.get, timeout=LIMIT)
    assert not await asyncio.to_thread(noted.get, timeout=LIMIT)


async def test_what_must_be_written_is_written_when_there_is_room(database: Database, faults: Faults) -> None:
    """Point 11: and in the meantime the caller can be cancelled."""
    faults.begin(sqlite3.SQLITE_FULL, "INSERT")
    waiting = asyncio.create_task(persisted(insert(database, 1), lambda: insert(database, 1)))
    given_up = asyncio.create_task(persisted(insert(database, 2), lambda: insert(database, 2)))
    assert await asyncio.to_thread(faults.repeated.wait, LIMIT)
    given_up.cancel()
    assert not waiting.done()
    faults.end()
    await asyncio.wait_for(waiting, LIMIT)
    with pytest.raises(asyncio.CancelledError):
        await given_up
    assert 1 in numbers(database)


async def test_a_write_that_was_asked_for_is_not_taken_back(database: Database) -> None:
    """Point 33: whoever is cancelled while a write is under way learns what came of it first."""
    seen: list[str] = []

    async def change() -> None:
        await persisted(insert(database, 1), lambda: insert(database, 1))
        seen.append("written")
        await asyncio.sleep(0)
        seen.append("went on")

    changing = asyncio.create_task(change())
    await asyncio.sleep(0)
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert seen == ["written"]
    assert numbers(database) == [1]


async def test_an_error_of_one_write_is_no_error_of_the_others(database: Database) -> None:
    outcomes = await asyncio.gather(*(insert(database, number) for number in (1, 1, 2)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), sqlite3.IntegrityError, type(None)]
    assert numbers(database) == [1, 2]


async def test_a_full_file_of_the_real_kind(database: Database) -> None:
    """Point 11: with SQLite's own SQLITE_FULL, which ends the transaction."""
    await database.write(lambda db: db.execute("PRAGMA max_page_count = 4"))
    with pytest.raises(StorageError) as error:
        await insert(database, 1, "x" * 100_000)
    assert error.value.fault is Fault.FULL
    await insert(database, 2)
    await database.write(lambda db: db.execute("PRAGMA max_page_count = 1000000"))
    await insert(database, 1, "x" * 100_000)
    assert numbers(database) == [1, 2]


async def test_a_stranger_who_locks_the_file_is_waited_for_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 11."""
    monkeypatch.setattr(sqlite, "LOCK_LIMIT", 0.01)
    with closing(Database(tmp_path / "test.db", SCHEMA)) as database:
        stranger = sqlite3.connect(database.path, isolation_level=None)
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError) as error:
            await insert(database, 1)
        assert error.value.fault is Fault.LOCKED
        stranger.execute("ROLLBACK")
        await insert(database, 1)
        stranger.close()


async def test_an_error_that_is_none_of_sqlites_leaves_the_thread_alive(database: Database) -> None:
    def write(db: sqlite3.Connection) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        # Not awaited: the event loop itself would end with it.
        await asyncio.to_thread(database.submit(write).result)
    await insert(database, 1)
    assert numbers(database) == [1]


def test_damage_is_told_with_the_file_and_the_ways_out(tmp_path: Path) -> None:
    """Point 14: pages, header, a newer version, and a file that is no database at all."""
    good = tmp_path / "good.db"
    with closing(Database(good, SCHEMA)) as database:
        database.submit(
            lambda db: db.executemany("INSERT INTO numbers VALUES (?, 'text')", [(n,) for n in range(5000)])
        )
    content = bytearray(good.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    damaged = {
        "pages.db": bytes(content),
        "header.db": b"\0" * 100 + bytes(content[100:]),
        "text.db": b"this is a text\n" * 1000,
    }
    for name, data in damaged.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(StorageError) as error:
            Database(tmp_path / name, SCHEMA)
        assert error.value.fault is Fault.DAMAGED, name
        assert name in error.value.message
        assert "Move the file away" in error.value.advice
    with pytest.raises(StorageError) as error:
        Database(good, ())
    assert error.value.fault is Fault.NEWER


async def test_damage_that_is_met_while_reading_is_told_too(database: Database, faults: Faults) -> None:
    """Point 14: a large file is not read as a whole at the start."""
    faults.begin(sqlite3.SQLITE_CORRUPT, "SELECT number")
    with pytest.raises(StorageError) as error:
        numbers(database)
    assert error.value.fault is Fault.DAMAGED
    faults.end()
    assert numbers(database) == []
