"""Following the logs: new lines in the order of time, also across a rotation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path

import pytest

from stigmer_tui.core.paths import Home
from stigmer_tui.daemon import logs
from stigmer_tui.daemon.logs import LogFilter, LogLine, LogTails, last_lines

LIMIT = 60.0


@pytest.fixture(autouse=True)
def frequent_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before the watching began is found at the next look."""
    monkeypatch.setattr(logs, "LOOK", 10)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


def encoded(second: int, message: str, component: str = "server", level: str = "info") -> str:
    time = f"2026-11-25T10:00:{second:02d}.000Z"
    return json.dumps({"time": time, "level": level, "component": component, "message": message}) + "\n"


def write(home: Home, text: str, component: str = "server") -> None:
    with home.log(component).open("a", encoding="utf-8") as log:
        log.write(text)


async def messages(tails: LogTails, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(LIMIT), aclosing(tails.lines()) as lines:
        async for line in lines:
            found.append(line.message)
            if len(found) == count:
                break
    return found


async def test_only_what_is_written_from_now_on_is_followed(home: Home) -> None:
    write(home, encoded(0, "long before") + encoded(1, "before"))
    tails = LogTails(home)
    write(home, encoded(4, "last"))
    write(home, encoded(2, "first", "agent-runner"), "agent-runner")
    write(home, encoded(3, "second", "workflow-runner"), "workflow-runner")
    assert await messages(tails, 3) == ["first", "second", "last"]


async def test_only_what_is_wanted_is_followed(home: Home) -> None:
    tails = LogTails(home, LogFilter("server", level="error"))
    write(home, encoded(1, "other", "agent-runner", "error"), "agent-runner")
    write(home, encoded(2, "info") + encoded(3, "error", level="error"))
    assert await messages(tails, 1) == ["error"]


async def test_a_line_is_followed_once_it_is_whole(home: Home) -> None:
    tails = LogTails(home)
    whole = encoded(2, "whole ünit")
    write(home, encoded(1, "first") + "no line of ours\n" + whole[:-4])
    assert await messages(tails, 1) == ["first"]
    write(home, whole[-4:])
    assert await messages(tails, 1) == ["whole ünit"]


async def test_nothing_is_lost_when_a_log_is_rotated(home: Home) -> None:
    path = home.log("server")
    write(home, encoded(1, "before"))
    tails = LogTails(home)
    write(home, encoded(2, "at the end of the old file"))
    path.rename(path.with_name(f"{path.name}.1"))
    write(home, encoded(3, "at the beginning of the new one"))
    assert await messages(tails, 2) == ["at the end of the old file", "at the beginning of the new one"]
    write(home, encoded(4, "later"))
    assert await messages(tails, 1) == ["later"]


async def test_a_log_that_is_there_only_later_is_followed_from_its_beginning(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    tails = LogTails(home)
    write(home, encoded(1, "first") + encoded(2, "second"))
    assert await messages(tails, 2) == ["first", "second"]


async def test_bytes_that_are_no_text_spoil_no_other_line(home: Home) -> None:
    tails = LogTails(home)
    with home.log("server").open("ab") as log:
        log.write(encoded(1, "caf?").encode().replace(b"?", b"\xe9") + encoded(2, "next").encode())
    assert await messages(tails, 2) == ["caf\ufffd", "next"]
    assert told(last_lines(home, 0)) == ["caf\ufffd", "next"]


def test_the_newest_lines_of_all_files_are_read(home: Home) -> None:
    path = home.log("server")
    for number, seconds in (("", (5, 6)), (".1", (3, 4)), (".2", (1, 2))):
        text = "".join(encoded(second, str(second)) for second in seconds)
        path.with_name(path.name + number).write_text(text, encoding="utf-8")
    write(home, "\n{}\n" + encoded(7, "agent", "agent-runner"), "agent-runner")
    assert told(last_lines(home, 0)) == ["1", "2", "3", "4", "5", "6", "agent"]
    assert told(last_lines(home, 2)) == ["6", "agent"]


def told(lines: Iterable[LogLine]) -> list[str]:
    return [line.message for line in lines]


def test_a_line_is_shown_in_columns_with_its_trace_below(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        LogLine("no time", "warning", "agent-runner", "It failed", "Traceback:\n  a").text()
        == "no time  warning agent-runner     It failed\n    Traceback:\n      a"
    )
    local = LogLine("2026-11-25T10:00:01.250999Z", "info", "server", "words").text()
    assert local[2:].startswith(":") and local[6:].startswith("01.250  info    server           words")
