"""Point 45: files of ours in which somebody else has written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.logs import LogLine
from stigmer_tui.daemon.record import DaemonRecord, read_record
from stigmer_tui.workbench.session_cache import SessionCache

RECORD = {"pid": 12, "start": "boot 1", "address": "127.0.0.1:1", "version": "1", "requires_token": True}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.sampled_from([*RECORD, "x"]), parts, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home"))
    home.prepare()
    return home


def test_a_record_is_read(home: Home) -> None:
    home.daemon_lock.write_text(json.dumps({**RECORD, "more": 1}))
    assert read_record(home) == DaemonRecord(12, "boot 1", "127.0.0.1:1", "1", True)


@given(st.dictionaries(st.sampled_from(list(RECORD)), JSON, min_size=1).map(lambda odd: {**RECORD, **odd}) | JSON)
@example({**RECORD, "pid": 10**30})
@example({**RECORD, "pid": 0})
@example({**RECORD, "address": "\ud800:1"})
def test_any_other_record_is_none(home: Home, data: Any) -> None:
    home.daemon_lock.write_text(json.dumps(data))
    record = read_record(home)
    assert record is None or isinstance(record.alive, bool)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[" * 100_000, b"nonsense", b'{"pid": ' + b"9" * 10_000 + b"}"])
def test_what_is_no_record_is_none(home: Home, content: bytes) -> None:
    home.daemon_lock.write_bytes(content)
    assert read_record(home) is None


@given(JSON)
def test_any_line_of_a_log_is_one_or_none(data: Any) -> None:
    keys = ("time", "level", "component", "message", "trace")
    for text in (json.dumps(data), json.dumps(dict.fromkeys(keys, data)), "[" * 10_000):
        line = LogLine.parse(text)
        assert line is None or isinstance(line.text(), str)


@given(st.dictionaries(st.sampled_from(["projects", "resources", "runs", "inputs"]), JSON) | JSON)
def test_any_memory_of_a_session_is_taken_or_passed_over(home: Home, data: Any) -> None:
    memory = SessionCache(home.cache, "/project")
    for file in ("session.json", memory._own.name):
        (home.cache / file).write_text(json.dumps(data))
    memory.recent_projects()
    memory.lists()
    for entered in memory.inputs().values():
        assert isinstance(entered.message, str)


def test_a_memory_that_is_nested_without_end_is_passed_over(home: Home) -> None:
    memory = SessionCache(home.cache, "/project")
    memory._own.write_text("[" * 100_000)
    assert memory.lists() == ((), ())
