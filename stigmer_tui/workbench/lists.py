"""What can be run, and what was: as the server lists it, or, where it cannot, as it is known here."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.workbench.events import ListsChanged
from stigmer_tui.workbench.execution_tree import Execution, run_of
from stigmer_tui.workbench.model import Resource, ResourceKind, Run
from stigmer_tui.workbench.state_store import StateStore

MAX_RUNS = 50
"""Of a server that cannot list them."""


class Lists:
    def __init__(self, store: StateStore) -> None:
        self._store = store

    def take(self, resources: Iterable[Resource], runs: Iterable[Run]) -> None:
        """All there is, as the server says it."""
        self._store.emit(ListsChanged(tuple(resources), tuple(runs)))

    def add_resources(self, found: Iterable[Resource]) -> None:
        """What was found on a server that cannot list: each in the place of what was known of it."""
        known = {item.key: item for item in (*self._store.state.resources, *found)}
        ordered = sorted(known.values(), key=lambda item: (item.kind is ResourceKind.AGENT, item.name))
        self.take(ordered, self._store.state.runs)

    def add_run(self, run: Run) -> None:
        """A run that was started or opened on a server that cannot list."""
        others = [known for known in self._store.state.runs if known.id != run.id]
        self.take(self._store.state.resources, [run, *others][:MAX_RUNS])

    def note_state(self, execution: Execution) -> None:
        """That the execution of a run in the list has come to another state."""
        runs = self._store.state.runs
        if any(run.id == execution.id and run.state is not execution.state for run in runs):
            newer = [run_of(execution, run.resource_id) if run.id == execution.id else run for run in runs]
            self.take(self._store.state.resources, newer)
