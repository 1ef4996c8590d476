"""Tells a person's saves from what the project's code writes while it runs.

Two ways lead to the answer. Code in Python says itself which files it writes. What other programs write on its behalf
is known by its habit: a file that changes during one run after the other, and never else, is not saved by a person.
Until that is certain the code is run again, so that no save is lost.
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
"""Runs in a row during which a file changed; so many saves of a person hardly ever fall into them."""
DOUBTS = (2.0, 10.0)
"""Seconds after which the code is run once more, to be sure: a save that fell into the last run would be lost else."""
MAX_RUNS = 8
"""Runs that are remembered: what they wrote may be told after their end."""
CLOCK_STEP = 0.05
"""Seconds that the time of a file may be behind that of the clock."""
TELLING = 1.0
"""Seconds after a run within which a file that it removed is told as gone."""


@dataclass(slots=True)
class CodeRun:
    number: int
    report: Path
    began: float
    """Seconds since 1970, as the times of files are."""
    ended: float | None = None
    written: frozenset[str] | None = None
    """Real paths, as soon as nothing more can come."""


@dataclass(frozen=True, slots=True)
class Sifted:
    saves: Change | None
    """What a person has saved, of all that has changed."""
    doubtful: Change | None = None
    """What may be a save in spite of all: to be taken for one after `doubt` seconds."""
    doubt: float = 0.0


class OwnWrites:
    def __init__(self, project: Path, now: Callable[[], float] = time.time) -> None:
        self._project = project
        self._now = now
        self._runs: deque[CodeRun] = deque(maxlen=MAX_RUNS)
        self._number = 0
        self._habits: dict[str, tuple[int, int]] = {}
        """By path: the last run during which it changed, and how many in a row there were."""

    @contextmanager
    def run(self) -> Iterator[dict[str, str]]:
        """Around each run of the code; gives what the environment of the run has to say."""
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
        saves, doubtful = [], []
        doubt = 0.0
        for file in change.files:
            if self._is_written(file):
                continue
            times = self._times_in_a_row(file)
            if times < CERTAIN_AFTER:
                saves.append(file)
            elif times - CERTAIN_AFTER < len(DOUBTS):
                doubtful.append(file)
                doubt = max(doubt, DOUBTS[times - CERTAIN_AFTER])
        return Sifted(_part(change, saves), _part(change, doubtful), doubt)

    def _is_written(self, file: FileChange) -> bool:
        """Whether the code says that it has written the file, and nobody has after the run."""
        path = os.path.realpath(self._project / file.path)
        for run in self._runs:
            written = _read(run.report) if run.written is None else run.written
            if path in written and self._is_not_after(file, run):
                return True
        return False

    def _is_not_after(self, file: FileChange, run: CodeRun) -> bool:
        if run.ended is None:
            return True
        if file.modified is None:
            return self._now() - run.ended < TELLING
        return file.modified <= run.ended

    def _times_in_a_row(self, file: FileChange) -> int:
        """Runs in a row during which the file changed, with the one of this change; 0 for a change in between."""
        run = next((run for run in reversed(self._runs) if self._is_during(file, run)), None)
        if run is None:
            return 0
        last, times = self._habits.get(file.path, (0, 0))
        if last != run.number:
            times = times + 1 if last == run.number - 1 else 1
            self._habits[file.path] = run.number, times
        return times

    def _is_during(self, file: FileChange, run: CodeRun) -> bool:
        if file.modified is None:
            return self._is_not_after(file, run)
        return run.began - CLOCK_STEP <= file.modified and self._is_not_after(file, run)


def _read(report: Path) -> frozenset[str]:
    try:
        paths = report.read_bytes().split(b"\0")
    except OSError:
        return frozenset()
    return frozenset(os.path.realpath(os.fsdecode(path)) for path in paths if path)


def _part(change: Change, files: list[FileChange]) -> Change | None:
    return replace(change, files=tuple(files)) if files else None
