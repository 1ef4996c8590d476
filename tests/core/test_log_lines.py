"""A line of a log, and where an instance keeps its files."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import remember_values
from stigmer_tui.core.logs import JsonLines
from stigmer_tui.core.paths import Home, absolute
from stigmer_tui.core.private_files import read_private, write_private

pytestmark = pytest.mark.usefixtures("logging_as_before")


def record(message: str, *values: object, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("stigmer_tui.server", logging.WARNING, "", 1, message, values, fields.get("exc_info"))
    made.created = 1795867200.25
    made.stack_info = fields.get("stack_info")
    return made


def line(made: logging.LogRecord) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(JsonLines("server").format(made))
    return data


def test_a_line_says_when_how_bad_who_and_what() -> None:
    assert line(record("%s of %d", "größe", 3)) == {
        "time": "2026-11-28T12:00:00.250Z",
        "level": "warning",
        "component": "server",
        "logger": "stigmer_tui.server",
        "message": "größe of 3",
    }
    assert "größe" in JsonLines("server").format(record("größe"))


def test_a_trace_and_a_stack_stand_below_each_other_without_secrets() -> None:
    remember_values(["hush-4711-hush"])
    try:
        raise LookupError("hush-4711-hush")
    except LookupError:
        made = record("hush-4711-hush", exc_info=sys.exc_info(), stack_info="Stack:\n  hush-4711-hush")
    written = line(made)
    assert written["message"] == "[REDACTED]"
    assert written["trace"].endswith("\nLookupError: [REDACTED]\nStack:\n  [REDACTED]")
    assert line(record("plain", stack_info="Stack:"))["trace"] == "Stack:"


def test_values_that_do_not_fit_are_counted() -> None:
    assert line(record("%d", "a"))["message"] == "%d (1 values that do not fit)"


def test_half_a_character_is_written_as_what_it_is() -> None:
    assert JsonLines("server").format(record("\udcff")).encode()
    assert line(record("\udcff"))["message"] == "\udcff"


def test_an_instance_is_in_the_home_folder_or_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/people/ann")
    assert Home.from_environment({}).root == Path("/people/ann/.stigmer")
    assert Home.from_environment({"STIGMER_HOME": " /else "}).root == Path("/else")
    assert Home.from_environment({"STIGMER_HOME": "~/x"}).root == Path("/people/ann/x")


def test_a_path_is_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("a/b") == tmp_path / "a/b"


def test_all_files_of_an_instance_are_below_data_but_its_configuration() -> None:
    home = Home(Path("/h"))
    assert home.configuration == Path("/h/config.yaml")
    assert {home.database.name, home.token.name, home.daemon_lock.name, home.start_lock.name} == {
        "workbench.db",
        "token",
        "daemon.lock",
        "start.lock",
    }
    below = (home.database, home.token, home.daemon_lock, home.start_lock, home.journals, home.workspace, home.cache)
    assert {path.parent for path in below} == {Path("/h/data")}
    assert (home.artifacts, home.log("server")) == (Path("/h/data/skills"), Path("/h/data/workbench-logs/server.log"))


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "token"
    write_private(path, "größe")
    write_private(path, "second")
    assert read_private(path) == "second"
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]


def test_a_private_file_that_is_no_text_or_a_link_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"\xff")
    with pytest.raises(StigmerError) as raised:
        read_private(path)
    assert (raised.value.message, raised.value.advice) == (
        f"{path} is not a text file",
        "Remove it; it is made again.",
    )
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(StigmerError) as raised:
        read_private(link)
    assert (raised.value.message, raised.value.advice) == (
        f"{link} is a symbolic link, which is not followed",
        "Remove it, or put a file in its place.",
    )
