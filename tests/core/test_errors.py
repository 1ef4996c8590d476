"""Errors as people read them."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import pytest

from stigmer_tui.core.errors import StigmerError, as_text, system_refusal
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.storage_errors import ADVICE, UNUSABLE, WAITING, Fault, StorageError, storage_error

PATH = Path("/data/workbench.db")


def test_an_error_is_its_message_and_below_it_the_advice() -> None:
    assert str(StigmerError("It failed")) == "It failed"
    assert str(StigmerError("It failed", "Try again.")) == "It failed\n\nTry again."


@pytest.mark.parametrize(
    ("number", "message", "advice"),
    [
        (errno.ENOSPC, "Cannot use /data/a: No space left on device", "Make room there, and try again."),
        (errno.EACCES, "Cannot use /data/a: Permission denied", "See who may read and write there; "),
        (errno.EROFS, "Cannot use /data/a: Read-only file system", "See who may read and write there; "),
        (errno.EMFILE, "Cannot use /data/a: Too many open files", "Allow more open files (ulimit -n), and try again."),
        (errno.ENOENT, "Cannot use /data/a: No such file or directory", ""),
    ],
)
def test_what_the_system_refuses_is_told_with_the_place(number: int, message: str, advice: str) -> None:
    refusal = system_refusal(OSError(number, errno_text(number), "/data/a"))
    assert refusal.message == message
    assert refusal.advice.startswith(advice) and bool(advice) == bool(refusal.advice)


def test_what_the_system_refuses_is_told_without_a_place() -> None:
    assert system_refusal(OSError(errno.ENOSPC, "No space")).message == "Cannot write: No space"
    assert system_refusal(OSError(errno.EIO, "Bad disk", 3)).message == "The system refuses: Bad disk"
    assert system_refusal(OSError("odd")).message == "The system refuses: odd"
    assert system_refusal(OSError()).message == "The system refuses: OSError"


def errno_text(number: int) -> str:
    import os

    return os.strerror(number)


def test_text_that_is_no_text_is_refused_by_its_name() -> None:
    assert (as_text("plain", "A"), as_text("größe", "A")) == ("plain", "größe")
    with pytest.raises(StigmerError) as raised:
        as_text("\udcff" * 100, "STIGMER_ORG")
    assert raised.value.message == "STIGMER_ORG is not valid UTF-8 text: " + ("\\udcff" * 100)[:200]
    assert raised.value.advice == "Give it in UTF-8."


def test_json_is_read_or_is_a_value_error() -> None:
    assert from_json(b'{"a": [1]}') == {"a": [1]}
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(ValueError):
            from_json(text)


@pytest.mark.parametrize("fault", Fault)
def test_a_fault_of_a_file_is_told_with_the_ways_out(fault: Fault) -> None:
    error = StorageError(PATH, fault)
    assert (error.message, error.advice) == (f"Cannot use {PATH}: {fault.value}", ADVICE[fault])
    assert StorageError(PATH, fault, "details").message == f"Cannot use {PATH}: {fault.value} (details)"
    is_final = fault in (Fault.CLOSED, Fault.DAMAGED, Fault.NEWER)
    assert (error.may_pass, error.exit_code) == (not is_final, UNUSABLE if is_final else WAITING)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (sqlite3.SQLITE_FULL, Fault.FULL),
        (sqlite3.SQLITE_READONLY, Fault.READ_ONLY),
        (sqlite3.SQLITE_CANTOPEN, Fault.READ_ONLY),
        (sqlite3.SQLITE_BUSY, Fault.LOCKED),
        (sqlite3.SQLITE_IOERR_WRITE, Fault.IO),
        (sqlite3.SQLITE_CORRUPT, Fault.DAMAGED),
        (sqlite3.SQLITE_NOTADB, Fault.DAMAGED),
        (sqlite3.SQLITE_CONSTRAINT, None),
        (None, None),
    ],
)
def test_an_error_of_sqlite_is_one_of_the_file_or_of_the_statement(code: int | None, fault: Fault | None) -> None:
    error = sqlite3.OperationalError("words")
    if code is not None:
        error.sqlite_errorcode = code
    found = storage_error(PATH, error)
    assert (found.fault if found else None) == fault
    assert found is None or found.message.endswith(" (words)")


def test_other_errors_are_none_of_the_file() -> None:
    own = StorageError(PATH, Fault.FULL)
    assert storage_error(Path("/other"), own) is own
    assert storage_error(PATH, ValueError("words")) is None
