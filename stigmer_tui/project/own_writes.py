"""Distinguishes a person's saves from files that the project's code writes while it runs.

Python code reports which files it writes. What other programs write for it is recognized by its pattern: a file that
changes during each of several runs in a row, and never in between, is not saved by a person. Until that is certain,
the code is run again, so that no save is lost.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from stigmer_tui.project.snapshot import FileChange
from stigmer_tui.project.watch import Change
from stigmer_tui.sdk.synthesis import WRITTEN_FILES

CERTAIN_AFTER = 3
"""Runs in a row during which a file changed, before it counts as written by the code."""
DOUBTS = (2.0, 10.0)
"""Seconds after which the code is run once more to be sure, so that a save during the last run is not lost."""
MAX_RUNS = 8
"""Runs that are remembered, because changes may be reported after the end of a run."""
CLOCK_STEP = 0.05
"""Seconds by which the time of a file may lag behind the clock."""
REMOVAL_DELAY = 1.0
"""Seconds after a run within which the removal of a file by it is reported."""


@dataclass(slots=True)
class CodeRun:
    """A run of the project's code."""

    number: int
    report: Path
    began: float
    """Seconds since 1970, like the times of files."""
    ended: float | None = None
    written: frozenset[str] | None = None
    """The real paths of the files that it wrote; None until it has ended."""


@dataclass(frozen=True, slots=True)
class Sifted:
    """A change, divided by its likely author."""

    saves: Change | None
    """What a person has saved."""
    doubtful: Change | None = None
    """What may be a save, and counts as one after `doubt` seconds."""
    doubt: float = 0.0
    """Seconds."""


class OwnWrites:
    """Remembers the runs of the code, and which files changed during them."""

    def __init__(self, project: Path, now: Callable[[], float] = time.time) -> None:
        self._project = project
        self._now = now
        self._runs: deque[CodeRun] = deque(maxlen=MAX_RUNS)
        self._number = 0
        self._streaks: dict[str, tuple[int, int]] = {}
        """By path: the last run during which it changed, and the number of such runs in a row."""

    @contextmanager
    def run(self) -> Iterator[dict[str, str]]:
        """A context around each run of the code; gives variables for the environment of the run."""
        with tempfile.TemporaryDirectory(prefix="stigmer-", ignore_cleanup_errors=True) as folder:
            self._number += 1
            run = CodeRun(self._number, Path(folder, "written"), self._now())
            self._runs.append(run)
            try:
                yield {WRITTEN_FILES: str(run.report)}
            finally:
                run.written = _read(run.report)
                run.ended = self._now()

    def sift(self, change: Change) -> Sifted:
        """Divides a change into saves and doubtful files, without what the code has written."""
        saves, doubtful = [], []
        doubt = 0.0
        for file in change.files:
            if self._is_written(file):
                continue
            streak = self._streak(file)
            if streak < CERTAIN_AFTER:
                saves.append(file)
            elif streak - CERTAIN_AFTER < len(DOUBTS):
                doubtful.append(file)
                doubt = max(doubt, DOUBTS[streak - CERTAIN_AFTER])
        return Sifted(_part(change, saves), _part(change, doubtful), doubt)

    def _is_written(self, file: FileChange) -> bool:
        """Whether the code reports having written the file, and it has not changed after the run."""
        path = os.path.realpath(self._project / file.path)
        for run in self._runs:
            written = _read(run.report) if run.written is None else run.written
            if written.intersection((path, _database_of(path))) and self._is_not_after(file, run):
                return True
        return False

    def _is_not_after(self, file: FileChange, run: CodeRun) -> bool:
        if run.ended is None:
            return True
        if file.modified is None:
            return self._now() - run.ended < REMOVAL_DELAY
        return file.modified <= run.ended

    def _streak(self, file: FileChange) -> int:
        """The number of runs in a row during which the file changed, up to now; 0 for a change between runs."""
        run = next((run for run in reversed(self._runs) if self._is_during(file, run)), None)
        if run is None:
            return 0
        last, times = self._streaks.get(file.path, (0, 0))
        if last != run.number:
            times = times + 1 if last == run.number - 1 else 1
            self._streaks[file.path] = run.number, times
        return times

    def _is_during(self, file: FileChange, run: CodeRun) -> bool:
        if file.modified is None:
            return self._is_not_after(file, run)
        return run.began - CLOCK_STEP <= file.modified and self._is_not_after(file, run)


def _database_of(path: str) -> str:
    """The database beside which SQLite keeps this file for moments; Python reports the database only."""
    for suffix in ("-journal", "-wal", "-shm"):
        path = path.removesuffix(suffix)
    return path


def _read(report: Path) -> frozenset[str]:
    try:
        paths = report.read_bytes().split(b"\0")
    except OSError:
        return frozenset()
    return frozenset(os.path.realpath(os.fsdecode(path)) for path in paths if path)


def _part(change: Change, files: list[FileChange]) -> Change | None:
    return replace(change, files=tuple(files)) if files else None
