"""The last lines of the logs, and which of them are wanted."""

from __future__ import annotations

import json
import logging
from contextvars import copy_context
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stigmer_tui.core.logs import EXECUTION, JsonLines
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.logs import LogFilter, LogLine, last_lines


def test_lines_of_an_earlier_try_are_left_out(tmp_path: Path) -> None:
    """Point 24: what a daemon wrote that ended before says nothing about the one that does not start."""
    home = Home(tmp_path)
    home.prepare()
    for name, minute, message in (("server", 1, "ended"), ("agent-runner", 2, "ended"), ("server", 3, "in use")):
        line = {"time": f"2026-11-25T10:0{minute}:00.000000Z", "level": "info", "component": name, "message": message}
        with home.log(name).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
    assert [line.message for line in last_lines(home, 8)] == ["ended", "ended", "in use"]
    since = datetime(2026, 11, 25, 10, 2, 30, tzinfo=UTC)
    assert [line.message for line in last_lines(home, 8, LogFilter(since=since))] == ["in use"]


LINES = [
    LogLine("2026-11-25T10:01:00.000000Z", "info", "server", "listening at 127.0.0.1:50051"),
    LogLine("2026-11-25T10:02:00.000000Z", "warning", "agent-runner", "Slow answer", execution="aex_1"),
    LogLine("2026-11-25T10:03:00.000000Z", "error", "server", "execution aex_1 cannot be read", "Traceback: KeyError"),
]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (LogFilter(), [0, 1, 2]),
        (LogFilter(level="warning"), [1, 2]),
        (LogFilter(level="error"), [2]),
        (LogFilter(since=datetime(2026, 11, 25, 10, 2, tzinfo=UTC)), [1, 2]),
        (LogFilter(execution="aex_1"), [1, 2]),
        (LogFilter(execution="aex_2"), []),
        (LogFilter(text="slow"), [1]),
        (LogFilter(text="keyerror"), [2]),
        (LogFilter(level="error", text="slow"), []),
    ],
)
def test_a_filter_matches_by_all_of_its_fields(wanted: LogFilter, numbers: list[int]) -> None:
    assert [number for number, line in enumerate(LINES) if wanted.matches(line)] == numbers


def test_only_the_logs_of_the_wanted_component_are_read(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    for line in LINES:
        with home.log(line.component).open("a", encoding="utf-8") as log:
            log.write(json.dumps(asdict(line)) + "\n")
    assert last_lines(home, 0) == LINES
    assert last_lines(home, 0, LogFilter("server")) == [LINES[0], LINES[2]]
    assert last_lines(home, 1, LogFilter("server")) == [LINES[2]]


def test_a_record_names_the_execution_that_its_task_works_on() -> None:
    record = logging.LogRecord("a", logging.INFO, "", 1, "done", None, None)

    def written() -> LogLine | None:
        return LogLine.parse(JsonLines("server").format(record))

    context = copy_context()
    context.run(EXECUTION.set, "aex_1")
    within, outside = context.run(written), written()
    assert within
    assert outside
    assert (within.execution, outside.execution) == ("aex_1", "")


def test_a_record_that_names_an_execution_is_about_it() -> None:
    """As those of the server, which works on none: programs that read the lines had to look into each message."""
    named = "agx_01m8kbrtywvv96p2q1m1w39g2h"
    for message, execution in ((f"execution {named} has completed", named), ("agt_01m8kbrtywvv96p2q1m1w39g2h", "")):
        record = logging.LogRecord("a", logging.INFO, "", 1, message, None, None)
        line = LogLine.parse(JsonLines("server").format(record))
        assert line is not None and line.execution == execution


def test_a_line_that_is_no_record_of_ours_is_none() -> None:
    whole = {"time": "t", "level": "info", "component": "server", "message": 7, "trace": "at a", "execution": "aex_1"}
    assert LogLine.parse(json.dumps(whole)) == LogLine("t", "info", "server", "7", "at a", "aex_1")
    for missing in ("time", "level", "component", "message"):
        assert LogLine.parse(json.dumps({name: value for name, value in whole.items() if name != missing})) is None
    for text in ("", "[]", "3", '"text"', "null", json.dumps(whole)[:-1]):
        assert LogLine.parse(text) is None


def test_what_cannot_be_compared_is_judged_by_what_is_known_of_it() -> None:
    """A level of another program is shown; a line without a readable time may be from before."""
    odd = LogLine("some time", "notice", "server", "words")
    assert LogFilter(level="error").matches(odd)
    assert not LogFilter(since=datetime(2026, 1, 1, tzinfo=UTC)).matches(odd)


def test_the_text_of_a_filter_is_sought_in_one_part_of_a_line() -> None:
    line = LogLine("t", "error", "server", "It failed", "Traceback")
    assert LogFilter(text="IT FAILED").matches(line)
    assert LogFilter(text="trace").matches(line)
    assert not LogFilter(text="failedtrace").matches(line)


def test_a_daemon_that_has_logged_nothing_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(Home(tmp_path / "nowhere"), 5) == []
