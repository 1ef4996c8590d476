"""The runs of a session: started, opened, followed to their end, cancelled."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.extensions import replacing
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.backend import Lists as ServerLists
from stigmer_tui.workbench.events import (
    ConnectionLost,
    KeysHandedOver,
    LatencyMeasured,
    RunChanged,
    RunEnded,
    RunOpened,
    RunReplaced,
    RunStarted,
)
from stigmer_tui.workbench.execution_tree import Execution, run_of
from stigmer_tui.workbench.input_form import complete_message
from stigmer_tui.workbench.lists import Lists
from stigmer_tui.workbench.model import Resource, Run, RunState
from stigmer_tui.workbench.run_defaults import RunDefaults
from stigmer_tui.workbench.state import RunInput, ShownRun
from stigmer_tui.workbench.state_store import StateStore
from stigmer_tui.workbench.turns import Turn, input_of


class Runs:
    """Raises StigmerError where the server refuses or cannot be reached."""

    def __init__(
        self,
        backend: Backend,
        store: StateStore,
        lists: Lists,
        clock: Clock,
        interval_ms: int,
        defaults: Callable[[], RunDefaults] = RunDefaults,
    ) -> None:
        """`interval_ms` is the shortest time between two changes of a followed run. `defaults` are looked up for each
        run, as they are at that moment.
        """
        self._backend = backend
        self._store = store
        self._lists = lists
        self._clock = clock
        self._interval_ms = interval_ms
        self._defaults = defaults
        self._started: set[str] = set()
        self._counts: dict[str, int] = {}
        self._followed: Execution | None = None

    async def lists(self) -> ServerLists | None:
        """What can be run, and what was; None from a server that cannot list."""
        return await self._backend.lists()

    async def hand_over_keys(self) -> None:
        if names := await self._backend.hand_over_keys():
            self._store.emit(KeysHandedOver(names, self._clock.now()))

    async def start(self, resource: Resource, run_input: RunInput, why: str = "") -> ShownRun:
        execution = await self._create(resource, run_input)
        number = self._counts[resource.slug] = self._counts.get(resource.slug, 0) + 1
        return self._take_over(ShownRun(execution, resource, run_input, number, why))

    async def send(self, turn: Turn) -> ShownRun:
        """The next message of a conversation."""
        session = turn.session
        if turn.fork is not None:
            session = await self._backend.fork(turn.fork)
        run_input = replace(turn.input, annotations=replacing(turn.input.annotations, turn.replaces))
        execution = await self._create(turn.resource, run_input, session)
        return self._take_over(ShownRun(execution, turn.resource, turn.input, turn.number, turn.why, turn.earlier))

    async def _create(self, resource: Resource, run_input: RunInput, session: str = "") -> Execution:
        latest = self._latest(resource)
        complete = self._defaults().complete(latest, run_input)
        complete = replace(complete, message=complete_message(latest.input_schema, complete.message))
        return await self._backend.create(latest, complete, session)

    def _take_over(self, run: ShownRun) -> ShownRun:
        """A run that was just created is shown in the place of another."""
        self._note_started(run.execution, run.resource)
        self._replace_followed()
        self._store.emit(RunStarted(run))
        return run

    def _note_started(self, execution: Execution, resource: Resource) -> None:
        self._started.add(execution.id)
        if not self._store.state.daemon.abilities.can_list:
            self._lists.add_run(run_of(execution, resource.id))

    async def start_beside(self, resource: Resource, run_input: RunInput) -> Execution:
        """A run that is not shown."""
        execution = await self._create(resource, run_input)
        self._note_started(execution, resource)
        return execution

    async def open_beside(self, run: Run) -> Execution:
        """One of the list, which is not shown by it."""
        return await self._backend.open(run)

    async def follow_beside(self, execution: Execution, changed: Callable[[], None]) -> None:
        """As `follow`, for a run that is not shown."""
        await self._backend.follow(execution, changed, changed, self._interval_ms)

    async def open(self, run: Run, run_input: RunInput, is_test: bool = False) -> ShownRun:
        """An execution of the list, which somebody else may have started; `run_input` is for running it again."""
        execution = await self._backend.open(run)
        if not self._store.state.daemon.abilities.can_list:
            self._lists.add_run(run_of(execution, run.resource_id))
        resource = next(
            (item for item in self._store.state.resources if item.id == run.resource_id),
            Resource(run.kind, run.resource_id, run.resource, run.resource),
        )
        conversation = await self._backend.conversation(execution)
        place = conversation.index(execution)
        later = next(iter(conversation[place + 1 :]), None)
        own_input = input_of(execution, run_input)
        return self.show(
            ShownRun(execution, resource, own_input, earlier=conversation[:place], later=later, is_test=is_test)
        )

    def show(self, run: ShownRun) -> ShownRun:
        self._replace_followed()
        self._store.emit(RunOpened(run))
        return run

    async def follow(self, execution: Execution, saved_at: datetime | None = None) -> None:
        """Until it has ended. `saved_at`: when the file was written that led to this run."""
        waiting_since = saved_at

        def changed() -> None:
            nonlocal waiting_since
            if waiting_since and execution.state is not RunState.PENDING:
                self._store.emit(LatencyMeasured((self._clock.now() - waiting_since).total_seconds()))
                waiting_since = None
            if not self._store.state.daemon.abilities.can_list:
                self._lists.note_state(execution)
            self._store.emit(RunChanged(execution))

        def interrupted() -> None:
            self._store.emit(ConnectionLost(execution))

        self._followed = execution
        try:
            await self._backend.follow(execution, changed, interrupted, self._interval_ms)
        finally:
            if self._followed is execution:
                self._followed = None
        self._store.emit(RunEnded(execution))

    async def cancel(self, execution: Execution, reason: str) -> None:
        await self._backend.cancel(execution.id, reason)

    def unfinished(self) -> list[Run]:
        """Runs that this session started and that still go on."""
        # The list may be a moment behind the run that is followed.
        shown = self._store.state.shown
        ended = shown.execution.id if shown and shown.execution.state.is_final else ""
        mine = [run for run in self._store.state.runs if run.id in self._started and run.id != ended]
        return [run for run in mine if not run.state.is_final]

    async def cancel_all(self, reason: str) -> None:
        """Every run of this session that still goes on."""
        with suppress(StigmerError):
            for run in self.unfinished():
                await self._backend.cancel(run.id, reason)

    def _replace_followed(self) -> None:
        """Another run is shown from now on, and followed."""
        if execution := self._followed:
            self._followed = None
            self._store.emit(RunEnded(execution) if execution.state.is_final else RunReplaced(execution))

    def _latest(self, resource: Resource) -> Resource:
        """A resource may have been deployed since it was put on the screen."""
        found = (item for item in self._store.state.resources if item.key == resource.key)
        return next(found, resource)
