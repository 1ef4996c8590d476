"""What the log screen shows: which lines, which is selected, and where the window is. Independent of Textual."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from stigmer_tui.workbench.daemon_logs import COMPONENTS, LOG_LEVELS, MAX_LINES, LogFilter, LogLine

SURPLUS = MAX_LINES // 10
"""Lines above the maximum before the oldest are dropped, so that this is seldom done."""

LEVELS = ("", *LOG_LEVELS[1:4])
"""That can be chosen one after the other; above an error there is next to nothing."""


class LogView:
    """It stays at the end while the last line is selected."""

    def __init__(self) -> None:
        self.wanted = LogFilter()
        self.execution = ""
        """Id of the one whose lines there are; empty for all lines."""
        self.is_read = False
        """Whether the lines that there are have come."""
        self.lines: list[LogLine] = []
        """Those that match."""
        self.selected = 0
        self.top = 0
        """The first line in the window."""
        self._all: list[LogLine] = []

    @property
    def count(self) -> int:
        """Of all lines, whether they match or not."""
        return len(self._all)

    @property
    def is_following(self) -> bool:
        return self.selected >= len(self.lines) - 1

    @property
    def selected_line(self) -> LogLine | None:
        return self.lines[self.selected] if self.lines else None

    def add(self, lines: Sequence[LogLine]) -> None:
        was_following = self.is_following
        self.is_read = True
        self._all += lines
        self.lines += filter(self.wanted.matches, lines)
        if len(self._all) > MAX_LINES + SURPLUS:
            self._drop_oldest()
        if was_following:
            self.select_last()

    def begin(self, execution: str) -> None:
        """Forgets all lines, for others to come: those about an execution, or all."""
        self.execution = execution
        self._all, self.lines, self.is_read = [], [], False
        self.selected = self.top = 0

    def next_component(self) -> None:
        self._filter(replace(self.wanted, component=_next(("", *COMPONENTS), self.wanted.component)))

    def next_level(self) -> None:
        self._filter(replace(self.wanted, level=_next(LEVELS, self.wanted.level)))

    def search(self, text: str) -> None:
        self._filter(replace(self.wanted, text=text))

    def move(self, step: int) -> None:
        self.selected = max(0, min(self.selected + step, len(self.lines) - 1))

    def select_last(self) -> None:
        self.selected = max(0, len(self.lines) - 1)

    def fit(self, height: int, selected_height: int) -> None:
        """Moves the window so that the selected line is in it, which may have several rows; all others have one."""
        first = self.selected + selected_height - height
        self.top = max(0, min(self.top, self.selected), min(first, self.selected))
        # No empty rows below the last line while there are lines above.
        self.top = max(0, min(self.top, len(self.lines) - 1 + selected_height - height))

    def _filter(self, wanted: LogFilter) -> None:
        """The selection stays on its line, or goes to the next one that matches."""
        before, was_following = self.selected_line, self.is_following
        self.wanted = wanted
        self.lines = [line for line in self._all if wanted.matches(line)]
        if was_following or before is None:
            self.select_last()
            return
        later = (number for number, line in enumerate(self.lines) if line is before or line.time > before.time)
        self.selected = next(later, max(0, len(self.lines) - 1))

    def _drop_oldest(self) -> None:
        del self._all[:-MAX_LINES]
        kept = len(self.lines)
        oldest = self._all[0].time
        self.lines = [line for line in self.lines if line.time >= oldest]
        self.selected = max(0, self.selected - (kept - len(self.lines)))
        self.top = max(0, self.top - (kept - len(self.lines)))


def _next(choices: Iterable[str], current: str) -> str:
    known = list(choices)
    return known[(known.index(current) + 1) % len(known)]
