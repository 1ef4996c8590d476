"""The logs of all processes, merged by time."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.daemon_processes import LOG_LEVELS, PROCESSES
from stigmer_tui.core.file_notifications import file_notifications
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.logs import OLD_FILES
from stigmer_tui.core.paths import Home

LOOK = 1000
"""Milliseconds between polls of the logs without file notifications."""


@dataclass(frozen=True, slots=True)
class LogLine:
    time: str
    """RFC 3339, which sorts as text."""
    level: str
    component: str
    message: str
    trace: str = ""
    execution: str = ""
    """Id of the execution that the process worked on; empty for none."""

    @classmethod
    def parse(cls, text: str) -> LogLine | None:
        """None for a line that is malformed or incomplete."""
        try:
            data = from_json(text)
            parts = (data["time"], data["level"], data["component"], data["message"])
            return cls(*map(str, (*parts, data.get("trace", ""), data.get("execution", ""))))
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def text(self) -> str:
        moment = parse_timestamp(self.time)
        clock = moment.astimezone().strftime("%H:%M:%S.%f")[:-3] if moment else self.time
        trace = "".join(f"\n    {line}" for line in self.trace.splitlines())
        return f"{clock}  {self.level:<8}{self.component:<17}{self.message}{trace}"


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines of the logs are wanted; empty fields match every line."""

    component: str = ""
    level: str = ""
    """The lowest one of LOG_LEVELS that is wanted."""
    since: datetime | None = None
    execution: str = ""
    """Id of an execution: lines that were written for it, or that name it."""
    text: str = ""
    """What a line contains, in any case of letters."""

    @property
    def components(self) -> tuple[str, ...]:
        return (self.component,) if self.component else tuple(process.name for process in PROCESSES)

    def matches(self, line: LogLine) -> bool:
        if self.component and line.component != self.component:
            return False
        if self.level and line.level in LOG_LEVELS and LOG_LEVELS.index(line.level) < LOG_LEVELS.index(self.level):
            return False
        if self.since and not ((at := parse_timestamp(line.time)) and at >= self.since):
            return False
        if self.execution and self.execution != line.execution and self.execution not in line.message:
            return False
        return not self.text or self.text.casefold() in f"{line.message}\n{line.trace}".casefold()


EVERYTHING = LogFilter()


def last_lines(home: Home, count: int, wanted: LogFilter = EVERYTHING) -> list[LogLine]:
    """The newest `count` lines (0 means all) that match the filter."""
    files = (path for name in wanted.components for path in _files(home.log(name)))
    lines = [line for path in files for line in _read(path) if wanted.matches(line)]
    lines.sort(key=attrgetter("time"))
    return lines[-count:] if count else lines


class LogTails:
    """New log lines from now on. Create it before reading older lines, so that there is no gap."""

    def __init__(self, home: Home, wanted: LogFilter = EVERYTHING) -> None:
        home.prepare()
        self._folder = home.logs
        self._wanted = wanted
        self._tails = [_Tail(home.log(name)) for name in wanted.components]

    async def lines(self) -> AsyncGenerator[LogLine]:
        """Until cancelled."""
        changes = file_notifications(self._folder, step=20, debounce=50, timeout=LOOK)
        async with aclosing(changes):
            async for _ in changes:
                for line in self._new():
                    yield line

    def _new(self) -> list[LogLine]:
        new = (line for tail in self._tails for line in tail.new())
        return sorted(filter(self._wanted.matches, new), key=attrgetter("time"))


class _Tail:
    """Lines appended to a file, which is held open, so that it can be read to its end after a rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        self._file = self._opened()
        if self._file:
            self._file.seek(0, os.SEEK_END)

    def new(self) -> Iterator[LogLine]:
        yield from self._read()
        if self._is_rotated():
            # The writer may have appended until the rotation.
            yield from self._read()
            self.close()
            self._rest, self._file = b"", self._opened()
            yield from self._read()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _read(self) -> Iterator[LogLine]:
        if self._file is None:
            return
        *complete, self._rest = (self._rest + self._file.read()).split(b"\n")
        for text in complete:
            if line := LogLine.parse(text.decode(errors="replace")):
                yield line

    def _is_rotated(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return False
        return self._file is None or not os.path.samestat(there, os.fstat(self._file.fileno()))

    def _opened(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except OSError:
            return None


def _files(path: Path) -> list[Path]:
    """The oldest first."""
    return [*(path.with_name(f"{path.name}.{number}") for number in range(OLD_FILES, 0, -1)), path]


def _read(path: Path) -> Iterator[LogLine]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for entry in text.splitlines():
        if line := LogLine.parse(entry):
            yield line
