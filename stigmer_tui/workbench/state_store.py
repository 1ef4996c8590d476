"""The one state of a session, and who is told of its changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from stigmer_tui.core.clock import Clock, SystemClock
from stigmer_tui.workbench.state import Level, Notice, WorkbenchState

MAX_NOTICES = 500
"""Older ones are forgotten."""


class StateStore:
    """All parts of a session write on it; whoever looks at it is told by `changed`."""

    def __init__(
        self,
        state: WorkbenchState,
        clock: Clock | None = None,
        warnings: Iterable[str] = (),
        keep_warnings: Callable[[Iterable[str]], None] = lambda warnings: None,
    ) -> None:
        """`warnings` are those of the last deployment, in this session or before it."""
        self.state = state
        self._warnings = frozenset(warnings)
        self._keep_warnings = keep_warnings
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

    def warn(self, warnings: Sequence[str]) -> None:
        """All that is to be said of a deployment. What was said of the one before is known."""
        for warning in warnings:
            self.note(warning, Level.WARNING, is_known=warning in self._warnings)
        if self._warnings != frozenset(warnings):
            self._warnings = frozenset(warnings)
            self._keep_warnings(self._warnings)

    def note(self, text: str, level: Level = Level.INFORMATION, is_known: bool = False) -> None:
        """Every notice is kept: a screen draws less often than they come, and a person looks away."""
        notices = self.state.notices
        number = notices[-1].number + 1 if notices else 1
        self.update(notices=(*notices, Notice(text, level, number, self._clock.now(), is_known))[-MAX_NOTICES:])
