"""The one state of a session, and who is told of its changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stigmer_tui.workbench.state import Level, Notice, WorkbenchState


class Board:
    """All parts of a session write on it; whoever looks at it is told by `changed`."""

    def __init__(self, state: WorkbenchState) -> None:
        self.state = state
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
        number = self.state.notice.number + 1 if self.state.notice else 1
        self.update(notice=Notice(text, level, number))
