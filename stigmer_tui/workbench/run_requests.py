"""Requests for runs: of each resource one request is one run, and one run at a time is shown and followed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.abilities import CannotCancel
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKey, Run
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.state import Level, RunInput, ShownRun
from stigmer_tui.workbench.state_store import StateStore
from stigmer_tui.workbench.turns import next_turn, repeated_turn, resent_turn

SAME_INTENT = 1.0
"""Seconds. A request so shortly after a save has started a run means that run: nobody can have seen it yet."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run that a person wants."""

    resource: Resource
    input: RunInput
    why: str
    at: float
    """By the monotonic clock."""
    instead_of: ShownRun | None = None
    """The run that ends for it, or what has taken the place of that meanwhile."""


@dataclass(frozen=True, slots=True)
class AutomaticRun:
    """The latest run that a save has started, until a person requests one."""

    shown: ShownRun
    at: float
    """By the monotonic clock."""


class RunRequests:
    def __init__(self, runs: Runs, store: StateStore, clock: Clock, group: asyncio.TaskGroup) -> None:
        """`group` owns the following of runs."""
        self._runs = runs
        self._store = store
        self._clock = clock
        self._group = group
        self._following: asyncio.Task[None] | None = None
        self._pending: dict[ResourceKey, RunRequest] = {}
        """Of each resource the last request that has not led to a run yet."""
        self._automatic: AutomaticRun | None = None
        self._starting = asyncio.Lock()
        """A run that takes the place of another must see what was started before."""
        self._queued: asyncio.Task[None] | None = None
        """The run that a save has asked for and that waits for the end of the one before."""
        self._unsent: list[str] = []
        """The sessions of the messages that wait to be sent."""
        self._sending = asyncio.Lock()
        """Messages are sent one after the other, each when the one before has been answered."""

    def put(self, request: RunRequest) -> None:
        """Takes the place of an earlier request for the same resource."""
        self._pending[request.resource.key] = request

    async def fulfil(self, request: RunRequest) -> None:
        """Unless a later request has taken its place; a run that a save has just started may fulfil it too."""
        async with self._starting:
            if self._pending.get(request.resource.key) is not request:
                return
            del self._pending[request.resource.key]
            automatic = self._take_automatic(request)
            if automatic and automatic.input == request.input:
                self._store.note(f"{request.resource.name} runs with this save already")
                if not self._is_shown(automatic.execution):
                    self._follow(self._runs.show(automatic))
                return
            if old := automatic or self._latest_run(request.instead_of):
                await self._end(old, request.why)
            self._follow(await self._runs.start(request.resource, request.input, request.why))

    async def send(self, session: str, message: str, catch_up: Callable[[], Awaitable[None]], files: str = "") -> None:
        """Continues a conversation once the agent has answered and the latest code is deployed. Raises StigmerError."""
        self._unsent.append(session)
        try:
            async with self._sending:
                while not await self._sent(session, message, catch_up, files):
                    # A save has come first, and had the last message answered again.
                    continue
        finally:
            self._unsent.remove(session)

    async def _sent(self, session: str, message: str, catch_up: Callable[[], Awaitable[None]], files: str) -> bool:
        """False where the agent is at work again when the code is deployed."""
        while (following := self._following) and self._is_at_work(session):
            await asyncio.wait((following,))
        await catch_up()
        async with self._starting:
            shown = self._store.state.shown
            if shown is None or shown.execution.session != session:
                raise StigmerError("Another run is shown now; the message was not sent", message)
            if self._is_at_work(session):
                return False
            self._follow(await self._runs.send(next_turn(shown, message, files)))
            return True

    async def resend(
        self, execution_id: str, message: str, catch_up: Callable[[], Awaitable[None]], files: str | None = None
    ) -> None:
        """Forks the shown conversation, with a message in the place of an earlier one. Raises StigmerError."""
        async with self._sending:
            await catch_up()
            async with self._starting:
                shown = self._store.state.shown
                turn = resent_turn(shown, execution_id, message, files) if shown else None
                if shown is None or turn is None:
                    raise StigmerError("Another run is shown now; the message was not sent", message)
                await self._end(shown, "the message was edited")
                self._follow(await self._runs.send(turn))

    async def run_again(self, shown: ShownRun, why: str, saved_at: datetime | None, waits: bool = False) -> None:
        """After a save: ends a run if it still goes on, and starts it anew with the same input. Notes what fails.

        `waits`: returns at once, and starts it when the run has ended by itself; a later save takes its place.
        """
        if self._queued:
            self._queued.cancel()
            self._queued = None
        if waits:
            self._queued = self._group.create_task(self._run_after(shown, why))
        else:
            await self._run_anew(shown, why, saved_at)

    async def _run_after(self, shown: ShownRun, why: str) -> None:
        """Unless a person looks at another run by then."""
        while (following := self._following) and not shown.execution.state.is_final and not following.done():
            await asyncio.wait((following,))
        # From here on, a later save does not cancel this one, but finds its run.
        self._queued = None
        if self._is_shown(shown.execution) and shown.execution.state.is_final:
            await self._run_anew(shown, why, None)

    async def _run_anew(self, shown: ShownRun, why: str, saved_at: datetime | None) -> None:
        """What was said before in its session, or waits to be sent there, keeps it in that session."""
        async with self._starting:
            shown = self._latest_run(shown) or shown
            try:
                is_ending = await self._end(shown, why)
                if shown.earlier or shown.execution.session in self._unsent:
                    if is_ending and self._following and self._is_shown(shown.execution):
                        # Both would work in the same folder.
                        await asyncio.wait((self._following,))
                    started = await self._runs.send(repeated_turn(shown, why))
                else:
                    started = await self._runs.start(shown.resource, shown.input, why)
            except StigmerError as error:
                self._store.note(str(error), Level.ERROR)
            else:
                self._follow(started, saved_at)
                self._automatic = AutomaticRun(started, self._clock.monotonic())

    async def open(self, run: Run, run_input: RunInput, is_test: bool = False) -> None:
        """Raises StigmerError."""
        self._follow(await self._runs.open(run, run_input, is_test))

    def resume(self) -> None:
        """Follows the shown run again, where the loss of the server has ended that."""
        shown = self._store.state.shown
        if shown and not shown.execution.state.is_final and self._following and self._following.done():
            self._follow(shown)

    async def finish(self, reason: str) -> None:
        """Ends the shown run, starts none any more, and returns when its end has been seen. Raises StigmerError."""
        # Never released: what is being started is shown first, what waits to be started never is.
        await self._starting.acquire()
        shown = self._store.state.shown
        if shown and self._following and not shown.execution.state.is_final:
            await self._runs.cancel(shown.execution, reason)
            await asyncio.wait((self._following,))

    def _is_at_work(self, session: str) -> bool:
        """Whether a message of the session is being answered, as far as can be seen."""
        shown = self._store.state.shown
        if shown is None or shown.execution.session != session or shown.execution.state.is_final:
            return False
        return self._following is not None and not self._following.done()

    def _take_automatic(self, request: RunRequest) -> ShownRun | None:
        """The run that a save has started just before a person has requested one of the same resource."""
        automatic, self._automatic = self._automatic, None
        if automatic is None or request.at - automatic.at > SAME_INTENT:
            return None
        return automatic.shown if automatic.shown.resource.key == request.resource.key else None

    def _latest_run(self, run: ShownRun | None) -> ShownRun | None:
        """The run that is shown now, where it has taken the place of another."""
        shown = self._store.state.shown
        return shown if run and shown and shown.resource.key == run.resource.key else run

    async def _end(self, shown: ShownRun, why: str) -> bool:
        """A run whose place another takes. That it cannot be ended does not keep the other one from running.

        Returns whether its end is on the way.
        """
        if shown.execution.state.is_final:
            return False
        try:
            await self._runs.cancel(shown.execution, why)
        except CannotCancel as error:
            self._store.note(f"{error.message}: the old run of {shown.resource.name} goes on", Level.WARNING)
        except StigmerError as error:
            self._store.note(f"The old run of {shown.resource.name} goes on: {error}", Level.WARNING)
        else:
            return True
        return False

    def _is_shown(self, execution: Execution) -> bool:
        shown = self._store.state.shown
        return shown is not None and shown.execution.id == execution.id

    def _follow(self, run: ShownRun, saved_at: datetime | None = None) -> None:
        """`saved_at`: when the file was written that led to this run."""
        if self._following:
            self._following.cancel()
        self._following = self._group.create_task(self._follow_to_the_end(run, saved_at))

    async def _follow_to_the_end(self, run: ShownRun, saved_at: datetime | None) -> None:
        try:
            await self._runs.follow(run.execution, saved_at)
        except StigmerError as error:
            self._store.note(str(error), Level.ERROR)
