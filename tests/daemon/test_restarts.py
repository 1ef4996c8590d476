"""Restarts: an accident costs nothing, repeated failures wait longer and longer, and there is a limit."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

import psutil
import pytest

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.paths import Home
from stigmer_tui.core.storage_errors import UNUSABLE, WAITING
from stigmer_tui.daemon import supervision
from stigmer_tui.daemon.printed_output import MAX_LINE
from stigmer_tui.daemon.restart_policy import MAX_DELAY, MAX_RESTARTS, MAX_WAIT, STEADY, WINDOW, RestartPolicy
from stigmer_tui.daemon.supervision import Supervisor

LIMIT = 60.0


def test_quick_ends_are_followed_by_growing_delays() -> None:
    policy = RestartPolicy()
    delays = [policy.next_delay(float(second), 1.0) for second in range(9)]
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, MAX_DELAY, MAX_DELAY, MAX_DELAY]


def test_a_steady_life_makes_the_next_start_immediate() -> None:
    policy = RestartPolicy()
    assert [policy.next_delay(0.0, 1.0), policy.next_delay(1.0, 1.0)] == [1.0, 2.0]
    assert policy.next_delay(20.0, STEADY) == 0.0
    assert [policy.next_delay(21.0, 1.0), policy.next_delay(22.0, STEADY - 0.1)] == [1.0, 2.0]


@pytest.mark.parametrize("lifetime", [0.0, STEADY])
def test_restarts_within_the_window_are_limited(lifetime: float) -> None:
    policy = RestartPolicy()
    assert None not in [policy.next_delay(0.0, lifetime) for _ in range(MAX_RESTARTS)]
    assert policy.next_delay(WINDOW, lifetime) is None


def test_one_that_waits_is_never_given_up() -> None:
    policy = RestartPolicy()
    assert [policy.wait() for _ in range(3 * MAX_RESTARTS)] == [
        1.0,
        2.0,
        4.0,
        8.0,
        *[MAX_WAIT] * (3 * MAX_RESTARTS - 4),
    ]
    assert policy.next_delay(0.0, STEADY) == 0.0


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
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", "echo no room; exit 3"]}, SystemClock(), sleep)
    supervisor.on_failed = lambda name, detail: failures.put_nowait((name, detail))
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    name, detail = await asyncio.wait_for(failures.get(), LIMIT)
    status = supervisor.statuses()[1]
    stopping.set()
    await running
    assert (name, status.state, status.restarts) == ("child", Component.FAILED, MAX_RESTARTS)
    assert detail == (
        "it ended too often; the last time it ended with code 3; try again with: stigmer-tui server restart child"
    )
    assert delays == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, *[MAX_DELAY] * (MAX_RESTARTS - 6)]
    assert (status.last_error, list(status.log_lines)) == ("ended with code 3", ["no room"])


async def one_life(folder: Path, script: str) -> tuple[str, list[tuple[str, str]]]:
    """Why a child ended that is not started again, and what was logged in its name."""
    home = Home(folder)
    home.prepare()
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", script]}, SystemClock(), never)
    stopping = asyncio.Event()
    logged: list[tuple[str, str]] = []
    handler = Recorder(logged)
    log = logging.getLogger("child")
    log.addHandler(handler)
    running = asyncio.create_task(supervisor.run({"GIVEN": "by the server"}, stopping))
    try:
        async with asyncio.timeout(LIMIT):
            seen = 0
            while (status := supervisor.statuses()[1]).state not in (Component.RESTARTING, Component.FAILED):
                seen = await supervisor.changes.after(seen)
    finally:
        stopping.set()
        await running
        log.removeHandler(handler)
    return status.detail, logged


async def never(seconds: float) -> None:
    await asyncio.Event().wait()


async def no_time(seconds: float) -> None:
    await asyncio.sleep(0)


async def test_a_child_that_hangs_at_its_start_is_ended_and_started_again(tmp_path: Path) -> None:
    """It is there, and never reports to the server."""
    home = Home(tmp_path)
    home.prepare()
    child = ["/bin/sh", "-c", "echo $$ > pid; exec sleep 1000"]
    supervisor = Supervisor(home, {"child": child}, SystemClock(), never, no_time)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    async with asyncio.timeout(LIMIT):
        seen = 0
        while (status := supervisor.statuses()[1]).state != Component.RESTARTING:
            seen = await supervisor.changes.after(seen)
    stopping.set()
    await running
    assert status.detail == "did not report to the server in 30 s; starts again in 1 s"
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


class Recorder(logging.Handler):
    def __init__(self, logged: list[tuple[str, str]]) -> None:
        super().__init__()
        self._logged = logged

    def emit(self, record: logging.LogRecord) -> None:
        self._logged.append((record.levelname, record.getMessage()))


async def test_what_a_child_prints_is_logged_line_by_line(tmp_path: Path) -> None:
    detail, logged = await one_life(tmp_path, "echo one; echo two >&2; printf 'three\\377'; exit 4")
    assert detail == "ended with code 4; starts again in 1 s"
    assert logged == [("ERROR", "one"), ("ERROR", "two"), ("ERROR", "three\ufffd")]


async def test_bytes_that_are_no_text_are_logged_all_the_same(tmp_path: Path) -> None:
    _, logged = await one_life(tmp_path, "printf 'caf\\351 \\nnext \\n'; exit 1")
    assert [text for _, text in logged] == ["caf\ufffd", "next"]


async def test_a_line_without_an_end_is_logged_in_pieces(tmp_path: Path) -> None:
    script = f"head -c {2 * MAX_LINE + 5} /dev/zero | tr '\\0' x"
    _, logged = await one_life(tmp_path, script)
    assert "".join(text for _, text in logged) == "x" * (2 * MAX_LINE + 5)
    assert max(len(text) for _, text in logged) < 2 * MAX_LINE


async def test_a_signal_that_killed_a_child_is_named(tmp_path: Path) -> None:
    assert (await one_life(tmp_path, "kill -KILL $$"))[0] == "was killed (SIGKILL); starts again in 1 s"


async def test_the_last_error_of_a_child_that_cannot_work_is_told(tmp_path: Path) -> None:
    detail, _ = await one_life(tmp_path, f"echo 'Error: first'; echo 'Error: last'; exit {UNUSABLE}")
    assert detail == "last; try again with: stigmer-tui server restart child"
    detail, _ = await one_life(tmp_path, f"exit {UNUSABLE}")
    assert detail.startswith(f"ended with code {UNUSABLE}; try again")


async def test_a_child_that_waits_for_room_on_the_disk_says_so_and_has_not_failed(tmp_path: Path) -> None:
    """After ten starts in ten minutes it was given up, and what waited for it failed."""
    delays: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) > MAX_RESTARTS:
            enough.set()
            await never(seconds)

    home = Home(tmp_path)
    home.prepare()
    script = f"echo 'Error: Cannot use agents.db: the disk is full'; exit {WAITING}"
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", script]}, SystemClock(), sleep)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    await asyncio.wait_for(enough.wait(), LIMIT)
    status = supervisor.statuses()[1]
    assert (status.state, status.restarts) == (Component.RESTARTING, 0)
    assert status.detail == f"Cannot use agents.db: the disk is full; starts again in {MAX_WAIT:.0f} s"
    stopping.set()
    await running


async def test_a_child_works_in_the_home_with_what_the_server_gives_it(tmp_path: Path) -> None:
    _, logged = await one_life(tmp_path, "read token; pwd; echo $GIVEN; echo ${#token}; ps -o sid= -p $$; echo $$")
    folder, given, length, session, pid = (text.strip() for _, text in logged)
    assert (folder, given, length) == (str(tmp_path), "by the server", "43")
    assert session == pid


async def test_a_child_that_ends_in_good_order_is_started_again_as_well(tmp_path: Path) -> None:
    assert (await one_life(tmp_path, "exit 0"))[0] == "ended with code 0; starts again in 1 s"


async def test_a_child_that_has_lived_long_is_started_again_at_once(tmp_path: Path) -> None:
    """Its clock is that of the daemon: each life takes as long as the test says."""
    clock = Lives(STEADY)
    delays: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        delays.append(seconds)
        if len(delays) == 3:
            enough.set()
            await never(seconds)

    home = Home(tmp_path)
    home.prepare()
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", "exit 1"]}, clock, sleep)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    await asyncio.wait_for(enough.wait(), LIMIT)
    stopping.set()
    await running
    assert delays == [0.0, 0.0, 0.0]


class Lives(SystemClock):
    """Some seconds pass between any two looks at it."""

    def __init__(self, seconds: float) -> None:
        self._step = seconds
        self._at = 0.0

    def monotonic(self) -> float:
        self._at += self._step
        return self._at


async def test_a_child_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "STOP_LIMIT", 0.01)
    home = Home(tmp_path)
    home.prepare()
    # When nobody holds its input any more, it ends all the same.
    script = "trap '' TERM; echo ready; read token; read more"
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", script]}, SystemClock())
    ready = asyncio.Event()
    handler = Recorder([])
    monkeypatch.setattr(handler, "emit", lambda record: ready.set())
    log = logging.getLogger("child")
    log.addHandler(handler)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    await asyncio.wait_for(ready.wait(), LIMIT)
    log.removeHandler(handler)
    stopping.set()
    await asyncio.wait_for(running, LIMIT)
    status = supervisor.statuses()[1]
    assert (status.state, status.pid, status.restarts) == (Component.STOPPED, 0, 0)


async def test_one_that_was_given_up_is_started_again_when_a_person_asks_for_it(tmp_path: Path) -> None:
    async def no_pause(seconds: float) -> None:
        return

    home = Home(tmp_path)
    home.prepare()
    script = f"test -e {tmp_path}/mended || exit 3; read token; read line"
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", script]}, SystemClock(), no_pause)
    failures = asyncio.Queue[str]()
    supervisor.on_failed = lambda name, detail: failures.put_nowait(name)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    for attempt in (1, 2):
        # Its earlier failures do not count any more.
        await asyncio.wait_for(failures.get(), LIMIT)
        assert supervisor.statuses()[1].state == Component.FAILED
        if attempt == 2:
            (tmp_path / "mended").touch()
        await supervisor.restart("child")
    await started(supervisor, 0)
    status = supervisor.statuses()[1]
    assert (status.state, status.restarts) == (Component.STARTING, 2 * MAX_RESTARTS)
    stopping.set()
    await asyncio.wait_for(running, LIMIT)


async def test_a_restart_that_a_person_asks_for_needs_no_pause_and_is_no_failure(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", "read token; read line"]}, SystemClock(), never)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    first = await started(supervisor, 0)
    await supervisor.restart("child")
    await started(supervisor, first)
    status = supervisor.statuses()[1]
    assert (status.restarts, status.last_error, status.detail) == (0, "", "")
    stopping.set()
    await asyncio.wait_for(running, LIMIT)


async def test_a_pause_before_a_restart_is_cut_short(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    script = f"test -e {tmp_path}/mended || exit 3; read token; read line"
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", script]}, SystemClock(), never)
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    async with asyncio.timeout(LIMIT):
        seen = supervisor.changes.count
        while supervisor.statuses()[1].state != Component.RESTARTING:
            seen = await supervisor.changes.after(seen)
    (tmp_path / "mended").touch()
    await supervisor.restart("child")
    await started(supervisor, 0)
    stopping.set()
    await asyncio.wait_for(running, LIMIT)


async def started(supervisor: Supervisor, before: int) -> int:
    """The pid of the child, once it is another than `before`."""
    async with asyncio.timeout(LIMIT):
        while (pid := supervisor.statuses()[1].pid) in (0, before):
            await supervisor.changes.after(supervisor.changes.count)
    return pid


async def test_the_end_of_a_child_is_noticed_though_a_descendant_holds_its_output(tmp_path: Path) -> None:
    """It was noticed when the descendant ended, and a stop took four seconds."""
    holder = tmp_path / "holder"
    detail, logged = await one_life(tmp_path, f"sleep 1000 & echo $! > {holder}; echo last; exit 3")
    pid = int(holder.read_text())
    try:
        assert psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    finally:
        os.kill(pid, signal.SIGKILL)
    assert detail == "ended with code 3; starts again in 1 s"
    assert logged == [("ERROR", "last")]
