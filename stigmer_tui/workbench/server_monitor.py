"""Keeps a session connected to its server, and its lists and the daemon's status current."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.waits import first_of
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.daemon_events import NOUNS, DaemonEvents
from stigmer_tui.workbench.events import DaemonReported, ServerConnected, ServerLost, ServerSearched
from stigmer_tui.workbench.lists import Lists
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.state_store import StateStore


class ServerMonitor:
    def __init__(
        self,
        backend: Backend,
        store: StateStore,
        lists: Lists,
        runs: Runs,
        clock: Clock,
        reconnected: Callable[[], None],
    ) -> None:
        """`reconnected` resumes what the loss of the server has ended."""
        self._backend = backend
        self._store = store
        self._lists = lists
        self._runs = runs
        self._clock = clock
        self._reconnected = reconnected
        self._daemon_events = DaemonEvents()
        self._retry = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._retry.clear()
            try:
                await self._connect()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._watch_lists())
                    group.create_task(self._watch_daemon())
            except* StigmerError as errors:
                lines = await asyncio.to_thread(self._backend.last_log_lines)
                self._store.emit(ServerLost(_first(errors), lines))
            await first_of(self._retry.wait(), self._backend.wait_for_server())

    def retry(self) -> None:
        """Searches for the server again, and starts the daemon where it does not run."""
        self._store.emit(ServerSearched())
        self._retry.set()

    async def stop_daemon(self) -> None:
        """It stays stopped until a person wants it again."""
        await self._backend.stop_daemon()

    async def restart_daemon(self) -> None:
        """Raises StigmerError when it does not come up."""
        await self._backend.restart_daemon()
        self._retry.set()
        self._store.note("Restarted the daemon")

    async def restart_component(self, name: str) -> None:
        """Raises StigmerError when it does not come up."""
        await self._backend.restart_component(name)
        self._store.note(f"Restarted the {NOUNS[name]}; its runs continue")

    async def _connect(self) -> None:
        address = await self._backend.connect()
        was_lost = not self._store.state.daemon.connected
        abilities = await self._backend.abilities()
        self._store.emit(ServerConnected(address, abilities))
        await self._runs.hand_over_keys()
        if was_lost:
            if not abilities.can_list:
                state = self._store.state
                self._lists.take(*await self._backend.look_up(state.resources, state.runs))
            self._reconnected()

    async def _watch_lists(self) -> None:
        async for resources, runs in self._backend.watch_lists():
            self._lists.take(resources, runs)

    async def _watch_daemon(self) -> None:
        started_at = None
        async for daemon in self._backend.watch_daemon():
            if daemon.connected and daemon.started_at != started_at:
                # What it was given is gone with the daemon before.
                if started_at:
                    await self._runs.hand_over_keys()
                started_at = daemon.started_at
            self._store.emit(DaemonReported(daemon))
            for text, level in self._daemon_events.take(daemon, self._clock.now()):
                self._store.note(text, level)


def _first(errors: BaseExceptionGroup[StigmerError]) -> str:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
