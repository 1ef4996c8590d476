"""The one state of a session, and who is told of its changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stigmer_tui.core.clock import Clock, SystemClock
from stigmer_tui.workbench.state import Level, Notice, WorkbenchState

MAX_NOTICES = 500
"""Older ones are forgotten."""


class Board:
    """All parts of a session write on it; whoever looks at it is told by `changed`."""

    def __init__(self, state: WorkbenchState, clock: Clock | None = None) -> None:
        self.state = state
        self._clock = clock or SystemClock()
        self.changed: Callable[[], None] = lambda: None

    def update(self, **changes: Any) -> None:
        """By the fields of the state."""
        self.state = replace(self.state, **changes)
        self.changed()

    def update_project(self, **changes: Any) -> None:
        """By the fields of the project; without one there is nothing to change."""
        if project := self.state.project:
            self.update(project=replace(project, **changes))

    def note(self, text: str, level: Level = Level.INFORMATION) -> None:
        """Every notice is kept: a screen draws less often than they come, and a person looks away."""
        notices = self.state.notices
        number = notices[-1].number + 1 if notices else 1
        self.update(notices=(*notices, Notice(text, level, number, self._clock.now()))[-MAX_NOTICES:])
