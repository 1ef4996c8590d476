"""The logs of all processes as one, in the order of time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from watchfiles import awatch

from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.logs import OLD_FILES
from stigmer_tui.core.paths import Home

COMPONENTS = ("server", "workflow-runner", "agent-runner")


@dataclass(frozen=True, slots=True)
class LogLine:
    time: str
    """RFC 3339, which sorts as text."""
    level: str
    component: str
    message: str
    trace: str = ""

    @classmethod
    def parse(cls, text: str) -> LogLine | None:
        """None for a line that is not ours, or not written to its end yet."""
        try:
            data = json.loads(text)
            return cls(data["time"], data["level"], data["component"], data["message"], data.get("trace", ""))
        except (ValueError, KeyError, TypeError):
            return None

    def text(self) -> str:
        moment = parse_timestamp(self.time)
        clock = moment.astimezone().strftime("%H:%M:%S.%f")[:-3] if moment else self.time
        trace = "".join(f"\n    {line}" for line in self.trace.splitlines())
        return f"{clock}  {self.level:<8}{self.component:<17}{self.message}{trace}"


def last_lines(home: Home, count: int, component: str = "") -> list[LogLine]:
    """The newest lines of all components, or of one; 0 for all that are kept."""
    lines = [line for name in _chosen(component) for path in _files(home.log(name)) for line in _read(path)]
    lines.sort(key=attrgetter("time"))
    return lines[-count:] if count else lines


async def follow_logs(home: Home, component: str = "") -> AsyncIterator[LogLine]:
    """Lines that are written from now on."""
    tails = [_Tail(home.log(name)) for name in _chosen(component)]
    home.prepare()
    async for _ in awatch(home.logs, step=20, debounce=50, recursive=False):
        for line in sorted((line for tail in tails for line in tail.new()), key=attrgetter("time")):
            yield line


class _Tail:
    """What is added to a file, also after it was rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode, self._offset = self._place()

    def new(self) -> Iterator[LogLine]:
        inode, size = self._place()
        if inode != self._inode or size < self._offset:
            self._inode, self._offset = inode, 0
        if size == self._offset:
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        complete = data.rpartition(b"\n")[0]
        self._offset += len(complete) + 1 if complete else 0
        for text in complete.decode(errors="replace").splitlines():
            if line := LogLine.parse(text):
                yield line

    def _place(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size


def _chosen(component: str) -> tuple[str, ...]:
    return (component,) if component else COMPONENTS


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
