"""The journal when its file cannot be written: the work waits, and what is written at last is how things are."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.sqlite import Database
from stigmer_tui.core.storage_errors import StorageError
from stigmer_tui.runners import journal as journal_module
from stigmer_tui.runners.journal import MIGRATIONS, Journal, JournalStep, inspect_journals
from tests.core.faults import Faults

LIMIT = 60.0


@pytest.fixture
def journal(tmp_path: Path, faults: Faults) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "agents.db")) as journal:
        yield journal


@pytest.mark.parametrize("statement", ["BEGIN", "SAVEPOINT", "INSERT", "RELEASE", "COMMIT"])
@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY])
async def test_work_waits_until_its_step_can_be_written(
    journal: Journal, faults: Faults, code: int, statement: str
) -> None:
    """Point 11: and a step that went on meanwhile is never written as it was before."""
    steps = journal.execution("run")
    faults.begin(code, statement)
    begun = steps.begin("call", "10:00")
    assert await asyncio.to_thread(faults.repeated.wait, LIMIT)
    assert not begun.done()
    assert "agents.db" in journal.problem
    ended = steps.complete("call", "10:01")
    steps.note("other", 1)
    faults.end()
    await asyncio.wait_for(asyncio.gather(begun, ended, steps.flush()), LIMIT)
    assert dict(journal.execution("run")) == {"call": JournalStep(True, "10:01"), "other": JournalStep(True, 1)}
    assert not journal.problem


async def test_a_step_whose_writer_was_cancelled_is_written_with_the_next(journal: Journal, faults: Faults) -> None:
    """Point 11."""
    steps = journal.execution("run")
    faults.begin(sqlite3.SQLITE_FULL, "BEGIN")
    begun = steps.begin("call", "10:00")
    assert await asyncio.to_thread(faults.repeated.wait, LIMIT)
    begun.cancel()
    await asyncio.wait((begun,))
    faults.end()
    await asyncio.wait_for(steps.complete("next"), LIMIT)
    assert dict(journal.execution("run")) == {"call": JournalStep(False, "10:00"), "next": JournalStep(True, None)}


async def test_a_damaged_journal_is_not_waited_for(journal: Journal, faults: Faults) -> None:
    """Point 14: waiting would not help."""
    steps = journal.execution("run")
    faults.begin(sqlite3.SQLITE_CORRUPT, "INSERT")
    with pytest.raises(StorageError, match="it is damaged"):
        await asyncio.wait_for(steps.begin("call"), LIMIT)
    faults.end()


def test_journals_are_looked_at_before_the_runners_start(tmp_path: Path) -> None:
    """Point 14: a damaged one, or one of a newer version, is named at the start with the ways out."""
    inspect_journals(tmp_path)
    with closing(Journal(tmp_path / "workflows.db")):
        inspect_journals(tmp_path)
    with closing(sqlite3.connect(tmp_path / "workflows.db")) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(StorageError, match=r"workflows\.db: it was written by a newer version"):
        inspect_journals(tmp_path)
    (tmp_path / "agents.db").write_bytes(b"not a database at all, " * 500)
    with pytest.raises(StorageError, match=r"agents\.db: it is damaged") as error:
        inspect_journals(tmp_path)
    assert "Move the file away" in error.value.advice


async def test_steps_are_there_in_the_next_process(tmp_path: Path) -> None:
    path = tmp_path / "agents.db"
    with closing(Journal(path)) as journal:
        steps, other = journal.execution("run"), journal.execution("other")
        await asyncio.wait_for(steps.begin("a", {"at": "10:00"}, content="digest"), LIMIT)
        await asyncio.wait_for(other.complete("a", [1]), LIMIT)
        steps.note("b", None, done=False, content="more", origin="earlier")
        await asyncio.wait_for(steps.flush(), LIMIT)
    with closing(Journal(path)) as journal:
        steps = journal.execution("run")
        assert dict(steps) == {
            "a": JournalStep(False, {"at": "10:00"}, "digest"),
            "b": JournalStep(False, None, "more", "earlier"),
        }
        assert (steps.find("a"), steps.find("c")) == (JournalStep(False, {"at": "10:00"}, "digest"), None)
        await asyncio.wait_for(journal.forget("run"), LIMIT)
        assert dict(journal.execution("run")) == {}
        assert dict(journal.execution("other")) == {"a": JournalStep(True, [1])}


async def test_a_journal_of_the_first_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "agents.db"
    with closing(Database(path, MIGRATIONS[:1])) as database:
        row = ("run", "turn/0", 1, '{"text": "hi"}')
        await database.write(lambda db: db.execute("INSERT INTO steps VALUES (?, ?, ?, ?)", row))
    inspect_journals(tmp_path)
    with closing(Journal(path)) as journal:
        steps = journal.execution("run")
        assert dict(steps) == {"turn/0": JournalStep(True, {"text": "hi"})}
        await asyncio.wait_for(steps.complete("turn/1", 1), LIMIT)
        assert dict(journal.execution("run")).keys() == {"turn/0", "turn/1"}


async def test_what_is_noted_is_written_a_moment_later_by_itself(journal: Journal) -> None:
    steps = journal.execution("run")
    steps.note("a", 1)
    steps.note("b", 2)
    async with asyncio.timeout(LIMIT):
        while len(dict(journal.execution("run"))) < 2:  # noqa: ASYNC110 - nobody tells of it, which is the point
            await asyncio.sleep(0.001)
    assert dict(journal.execution("run")) == {"a": JournalStep(True, 1), "b": JournalStep(True, 2)}


def test_a_journal_is_held_by_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "agents.db"
    first = Journal(path)
    assert path.with_suffix(".lock").stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(journal_module, "PREDECESSOR_LIMIT", 0.0)
    with pytest.raises(StigmerError, match=r"agents\.db is still held by another process"):
        Journal(path)
    first.close()
    Journal(path).close()


async def test_an_execution_is_forgotten_once_the_file_can_be_written(journal: Journal, faults: Faults) -> None:
    await asyncio.wait_for(journal.execution("run").complete("call"), LIMIT)
    faults.begin(sqlite3.SQLITE_FULL, "BEGIN")
    forgotten = asyncio.create_task(journal.forget("run"))
    assert await asyncio.to_thread(faults.repeated.wait, LIMIT)
    assert not forgotten.done()
    faults.end()
    await asyncio.wait_for(forgotten, LIMIT)
    assert dict(journal.execution("run")) == {}


async def test_an_error_that_no_step_waits_for_is_met_by_the_next_one_and_not_printed(
    journal: Journal, faults: Faults
) -> None:
    printed: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: printed.append(context))
    steps = journal.execution("run")
    faults.begin(sqlite3.SQLITE_CORRUPT, "INSERT")
    await asyncio.wait((steps.begin("call"),))
    gc.collect()
    assert printed == []
    with pytest.raises(StorageError, match="it is damaged"):
        await asyncio.wait_for(steps.complete("call"), LIMIT)
    faults.end()
