"""Probes in time: when they come, when a process that hangs is found, and what a change tells. No second passes."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from stigmer_tui.daemon.health import Probe
from stigmer_tui.daemon.probing import Probing
from tests.workbench.stage import StoppedClock


@dataclass
class Timeline(StoppedClock):
    """Time that passes at once: whoever sleeps shortest goes on first."""

    sleepers: list[tuple[float, int, asyncio.Future[None]]] = field(default_factory=list)
    count: int = 0

    async def sleep(self, seconds: float) -> None:
        self.count += 1
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self.sleepers, (self.seconds + seconds, self.count, wake))
        await wake

    async def run(self, until: float, done: Callable[[], bool] = lambda: False) -> None:
        while True:
            # Long enough for whoever was woken to sleep again.
            for _ in range(20):
                await asyncio.sleep(0)
            if done():
                return
            if not self.sleepers or self.sleepers[0][0] > until:
                self.seconds = until
                return
            self.seconds, _, wake = heapq.heappop(self.sleepers)
            if not wake.done():
                wake.set_result(None)


@dataclass
class Process:
    """Answers as the test says, and notes when it was asked."""

    time: Timeline
    says: str | None = ""
    asked: list[tuple[float, float]] = field(default_factory=list)

    async def ask(self, limit: float) -> str:
        self.asked.append((self.time.seconds, limit))
        if self.says is None:
            await self.time.sleep(limit)
            raise TimeoutError
        return self.says


async def test_a_process_that_never_reports_is_given_thirty_seconds() -> None:
    time = Timeline()
    probing = Probing(time, time.sleep, lambda: None)
    hanging = asyncio.create_task(probing.hangs())
    await time.run(28.5)
    assert not probing.health.hangs
    await time.run(60, hanging.done)
    assert (time.seconds, probing.health.reason) == (29, "did not report to the server in 30 s")


async def test_one_that_reports_is_asked_at_once_and_then_as_the_schedule_says() -> None:
    time = Timeline()
    process, changes = Process(time), list[float]()
    probing = Probing(time, time.sleep, lambda: changes.append(time.seconds))
    hanging = asyncio.create_task(probing.hangs())
    await time.run(0.25)
    probing.report(process.ask)
    await time.run(21)
    liveness, readiness, start_up = (probe.value.limit for probe in (Probe.LIVENESS, Probe.READINESS, Probe.START_UP))
    assert sorted(process.asked) == [
        (0.25, start_up),
        (5.25, readiness),
        (10.25, readiness),
        (10.25, liveness),
        (15.25, readiness),
        (20.25, readiness),
        (20.25, liveness),
    ]
    assert changes == [0.25]
    hanging.cancel()


async def test_one_that_hangs_is_not_ready_first_and_then_found_by_liveness() -> None:
    time = Timeline()
    process, changes = Process(time), list[tuple[float, bool, bool]]()
    probing = Probing(
        time, time.sleep, lambda: changes.append((time.seconds, probing.health.is_ready, probing.health.hangs))
    )
    probing.report(process.ask)
    hanging = asyncio.create_task(probing.hangs())
    await time.run(1)
    process.says = None
    await time.run(100, hanging.done)
    # The worst case but for a second: it stopped just after it had answered.
    assert changes == [(0, True, False), (17, False, False), (33, False, True)]


async def test_one_that_answers_and_cannot_work_goes_on() -> None:
    time = Timeline()
    process = Process(time, "the disk is full")
    probing = Probing(time, time.sleep, lambda: None)
    probing.report(process.ask)
    hanging = asyncio.create_task(probing.hangs())
    await time.run(3600)
    assert (probing.health.hangs, probing.health.is_ready) == (False, False)
    process.says = ""
    await time.run(3611)
    assert (probing.health.is_ready, probing.health.reason, hanging.done()) == (True, "", False)
    hanging.cancel()
