"""Probes a process from its start until it hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.daemon_processes import Ask
from stigmer_tui.core.waits import first_of
from stigmer_tui.daemon.health import Health, Probe, after

Sleep = Callable[[float], Awaitable[None]]


class Probing:
    """Of one process. It can be asked once it has reported to the server."""

    def __init__(self, clock: Clock, sleep: Sleep, changed: Callable[[], None]) -> None:
        self.health = Health()
        self._clock = clock
        self._sleep = sleep
        self._changed = changed
        self._ask: Ask | None = None
        self._reported = asyncio.Event()

    def report(self, ask: Ask) -> None:
        """The process has reported to the server, and can be asked from now on."""
        self._ask = ask
        self._reported.set()

    async def hangs(self) -> None:
        """Returns when the process has to be killed; `health` says why."""
        await self._start_up()
        async with asyncio.TaskGroup() as group:
            readiness = group.create_task(self._repeat(Probe.READINESS))
            await self._repeat(Probe.LIVENESS)
            readiness.cancel()

    async def _start_up(self) -> None:
        while True:
            has_reported = self._reported.is_set()
            await self._probe(Probe.START_UP)
            if self.health.has_started or self.health.hangs:
                return
            pause = self._sleep(Probe.START_UP.value.interval)
            # One that reports meanwhile need not wait for its next probe.
            await (pause if has_reported else first_of(pause, self._reported.wait()))

    async def _repeat(self, probe: Probe) -> None:
        took = 0.0
        while not self.health.hangs:
            await self._sleep(max(0.0, probe.value.interval - took))
            began = self._clock.monotonic()
            await self._probe(probe)
            took = self._clock.monotonic() - began

    async def _probe(self, probe: Probe) -> None:
        problem: str | None = None
        if self._ask:
            with suppress(TimeoutError):
                problem = await self._ask(probe.value.limit)
        before, self.health = self.health, after(self.health, probe, problem)
        if _shown(before) != _shown(self.health):
            self._changed()


def _shown(health: Health) -> tuple[object, ...]:
    return health.has_started, health.hangs, health.is_ready, health.reason
