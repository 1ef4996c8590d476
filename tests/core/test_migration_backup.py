"""Before a database of an older version is migrated, it is copied as it is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stigmer_tui.core.migration_backup import back_up, backup_path
from stigmer_tui.core.sqlite import Database
from stigmer_tui.core.storage_errors import Fault, StorageError

FIRST = "CREATE TABLE numbers (number INTEGER)"
SECOND = "ALTER TABLE numbers ADD COLUMN name TEXT NOT NULL DEFAULT 'none'"


def copies(folder: Path) -> list[Path]:
    return list(folder.glob("*.version-*"))


async def older(path: Path) -> Path:
    database = Database(path, (FIRST,))
    await database.write(lambda db: db.execute("INSERT INTO numbers VALUES (7)"))
    database.close()
    return path


async def test_an_older_database_is_migrated_and_its_copy_is_as_it_was(tmp_path: Path) -> None:
    path = await older(tmp_path / "numbers.db")
    database = Database(path, (FIRST, SECOND))
    assert database.read("SELECT * FROM numbers") == [(7, "none")]
    database.close()
    copy = backup_path(path, 1)
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT * FROM numbers").fetchall() == [(7,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    # It opens with the program that wrote it.
    Database(copy, (FIRST,)).close()


async def test_nothing_is_copied_where_nothing_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "numbers.db"
    for _ in range(2):
        Database(path, (FIRST, SECOND)).close()
    assert copies(tmp_path) == []


async def test_without_a_copy_nothing_is_migrated(tmp_path: Path) -> None:
    path = await older(tmp_path / "numbers.db")
    # In the way of the copy.
    backup_path(path, 1).mkdir()
    with pytest.raises(StorageError, match=r"Cannot use .*numbers\.db\.version-1: it cannot be written"):
        Database(path, (FIRST, SECOND))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


async def test_a_copy_that_fails_leaves_no_half_of_it(tmp_path: Path) -> None:
    class Full(sqlite3.Connection):
        def backup(self, *target: object, **options: object) -> None:
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error

    path = await older(tmp_path / "numbers.db")
    with closing(sqlite3.connect(path, factory=Full)) as connection, pytest.raises(StorageError) as raised:
        back_up(connection, path, 1)
    assert raised.value.fault is Fault.FULL
    assert copies(tmp_path) == []
