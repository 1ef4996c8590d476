"""Restarts: an accident costs nothing, repeated failures wait longer and longer, and there is a limit."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.supervision import MAX_DELAY, MAX_RESTARTS, STEADY, WINDOW, RestartPolicy, Supervisor

LIMIT = 60.0


def test_quick_ends_are_followed_by_growing_delays() -> None:
    policy = RestartPolicy()
    delays = [policy.next_delay(float(second), 1.0) for second in range(9)]
    assert delays == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, MAX_DELAY, MAX_DELAY, MAX_DELAY]


def test_a_steady_life_makes_the_next_start_immediate() -> None:
    policy = RestartPolicy()
    assert [policy.next_delay(0.0, 1.0), policy.next_delay(1.0, 1.0)] == [0.0, 1.0]
    assert policy.next_delay(20.0, STEADY) == 0.0
    assert [policy.next_delay(21.0, 1.0), policy.next_delay(22.0, STEADY - 0.1)] == [0.0, 1.0]


@pytest.mark.parametrize("lifetime", [0.0, STEADY])
def test_restarts_within_the_window_are_limited(lifetime: float) -> None:
    policy = RestartPolicy()
    assert None not in [policy.next_delay(0.0, lifetime) for _ in range(MAX_RESTARTS)]
    assert policy.next_delay(WINDOW, lifetime) is None


def test_restarts_before_the_window_do_not_count() -> None:
    policy = RestartPolicy()
    for _ in range(MAX_RESTARTS):
        policy.next_delay(0.0, STEADY)
    assert policy.next_delay(WINDOW + 0.1, STEADY) == 0.0


async def test_a_child_that_keeps_ending_is_restarted_with_delays_and_then_given_up(tmp_path: Path) -> None:
    delays: list[float] = []
    failures = asyncio.Queue[tuple[str, str]]()

    async def sleep(seconds: float) -> None:
        delays.append(seconds)

    home = Home(tmp_path)
    home.prepare()
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", "exit 3"]}, SystemClock(), sleep)
    supervisor.on_failed = lambda name, detail: failures.put_nowait((name, detail))
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    name, detail = await asyncio.wait_for(failures.get(), LIMIT)
    status = supervisor.statuses()[1]
    stopping.set()
    await running
    assert (name, status.state, status.restarts) == ("child", Component.FAILED, MAX_RESTARTS)
    assert detail.startswith("it ended too often; the last time it ended with code 3; see stigmer-tui server logs")
    assert delays == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, *[MAX_DELAY] * (MAX_RESTARTS - 6)]
