"""The one state of a session, and its listeners."""

from __future__ import annotations

from collections.abc import Callable

from stigmer_tui.core.clock import Clock
from stigmer_tui.workbench.events import Event, Noticed
from stigmer_tui.workbench.reducer import reduce
from stigmer_tui.workbench.state import Level, WorkbenchState

Listener = Callable[[Event], None]


class StateStore:
    """All parts of a session emit events; each changes the state first, and goes to the listeners then."""

    def __init__(self, state: WorkbenchState, clock: Clock) -> None:
        self.state = state
        self._clock = clock
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        self.state = reduce(self.state, event)
        for listener in self._listeners:
            listener(event)

    def note(self, text: str, level: Level = Level.INFORMATION) -> None:
        self.emit(Noticed(text, level, self._clock.now()))
