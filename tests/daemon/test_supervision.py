"""Supervision: who a child is, and that nothing else is ever ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

import psutil
import pytest

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.daemon_processes import RunnerIdentity
from stigmer_tui.core.own_program import own_command
from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import wait_for_end
from stigmer_tui.daemon.agent_runner_binary import RunnerProgram
from stigmer_tui.daemon.supervision import MIN_METER_SPAN, Meter, Supervisor
from tests.workbench.stage import NOON, StoppedClock

CHILD = """
import pathlib, sys
pathlib.Path(sys.argv[1], "token.new").write_text(sys.stdin.readline().strip())
pathlib.Path(sys.argv[1], "token.new").rename(pathlib.Path(sys.argv[1], "token"))
sys.stdin.read()
"""
"""Writes down the token that it is given, and waits for the end of its standard input."""


@dataclass(frozen=True, slots=True)
class Supervised:
    supervisor: Supervisor
    folder: Path

    async def token(self) -> str:
        """Of the child that was started last."""
        file = self.folder / "token"
        async with asyncio.timeout(60):
            while not file.exists():  # noqa: ASYNC110 - the child has no other way to say so
                await asyncio.sleep(0.005)
        token = file.read_text()
        file.unlink()
        return token

    def status(self) -> Component:
        return self.supervisor.statuses()[1]


@asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[Supervised]:
    home = Home(folder)
    home.prepare()
    stopping = asyncio.Event()
    supervisor = Supervisor(home, {"child": [sys.executable, "-c", CHILD, str(folder)]}, SystemClock())
    running = asyncio.create_task(supervisor.run({}, stopping))
    try:
        yield Supervised(supervisor, folder)
    finally:
        stopping.set()
        await running


async def test_a_child_is_known_by_the_token_of_its_process(tmp_path: Path) -> None:
    """Point 1 and 2: each process has a token of its own, which is in no environment and no argument."""
    async with supervised(tmp_path) as it:
        first = await it.token()
        identity = it.supervisor.identify(first)
        assert identity == RunnerIdentity("child", it.status().pid)
        process = psutil.Process(it.status().pid)
        assert first not in " ".join([*process.cmdline(), *process.environ().values()])
        for wrong in ("", "wrong", f"{first} "):
            assert it.supervisor.identify(wrong) is None

        process.kill()
        second = await it.token()
        assert second != first
        assert it.supervisor.identify(first) is None
        assert it.supervisor.identify(second) == RunnerIdentity("child", it.status().pid)
        last = it.supervisor.identify(second)
    assert last is not None and it.supervisor.identify(second) is None


async def test_a_child_is_ready_by_its_answers_and_one_that_hangs_is_killed_and_started_again(tmp_path: Path) -> None:
    answer: str | None = "the disk is full"

    async def ask(limit: float) -> str:
        if answer is None:
            raise TimeoutError
        return answer

    home = Home(tmp_path)
    home.prepare()
    stopping = asyncio.Event()
    pauses = Pauses()
    child = [sys.executable, "-c", CHILD, str(tmp_path)]
    supervisor = Supervisor(home, {"child": child}, SystemClock(), never, pauses.sleep)
    running = asyncio.create_task(supervisor.run({}, stopping))
    it = Supervised(supervisor, tmp_path)
    await it.token()
    first = it.status().pid
    supervisor.reported(RunnerIdentity("child", first), ask)
    assert it.status().state == Component.STARTING

    async def comes(state: Component.State.ValueType, detail: str) -> None:
        async with asyncio.timeout(60):
            seen = 0
            while (it.status().state, it.status().detail) != (state, detail):
                seen = await supervisor.changes.after(seen)

    await comes(Component.NOT_READY, "the disk is full")
    answer = ""
    pauses.end.set()
    await comes(Component.READY, "")
    answer = None
    await comes(Component.RESTARTING, "did not answer 3 times in a row; starts again in 1 s")
    assert (it.status().restarts, psutil.pid_exists(first)) == (1, False)
    stopping.set()
    await running


async def never(seconds: float) -> None:
    await asyncio.Event().wait()


class Pauses:
    """Between probes: without end until the test ends them, and then none."""

    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.end.wait()
        await asyncio.sleep(0)


async def test_a_child_may_choose_its_program_before_each_start(tmp_path: Path) -> None:
    """What it does meanwhile stands in its status, and what there is to know of the program afterwards."""
    home = Home(tmp_path)
    home.prepare()
    chosen = asyncio.Queue[RunnerProgram]()

    async def choose(report: Callable[[str], None]) -> RunnerProgram:
        report("Fetching it: 7 %")
        return await chosen.get()

    stopping = asyncio.Event()
    supervisor = Supervisor(home, {"child": choose}, SystemClock())
    it = Supervised(supervisor, tmp_path)
    before = supervisor.changes.count
    running = asyncio.create_task(supervisor.run({}, stopping))
    await supervisor.changes.after(before)
    assert (it.status().state, it.status().detail, it.status().pid) == (Component.STARTING, "Fetching it: 7 %", 0)
    for notice in ("the first", "the second"):
        chosen.put_nowait(RunnerProgram([sys.executable, "-c", CHILD, str(tmp_path)], notice))
        token = await it.token()
        assert (it.status().notice, it.status().detail) == (notice, "")
        identity = supervisor.identify(token)
        assert identity is not None
        psutil.Process(identity.pid).kill()
    # It ends while there is no program yet.
    stopping.set()
    await running


@pytest.mark.parametrize("mode", ["closed", "silent"])
def test_a_runner_that_nobody_supervises_says_so(tmp_path: Path, mode: str) -> None:
    given = subprocess.DEVNULL if mode == "closed" else subprocess.PIPE
    ended = subprocess.run(
        [sys.executable, "-m", "stigmer_tui", "internal-workflow-runner"],
        stdin=given if given == subprocess.DEVNULL else None,
        input=b"no line" if given == subprocess.PIPE else None,
        env={"STIGMER_HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(b"Error: This command is for the daemon, which starts it\n")


async def test_a_child_that_cannot_use_its_file_is_not_started_again_and_its_own_words_are_told(tmp_path: Path) -> None:
    """Point 14: it was started ten times, and what waited for it waited without a word."""
    home = Home(tmp_path)
    home.prepare()
    said = "Error: Cannot use agents.db: it is damaged\n\nMove it away."
    code = f"import sys; print({said!r}, file=sys.stderr); sys.exit(78)"
    supervisor = Supervisor(home, {"child": [sys.executable, "-c", code]}, SystemClock())
    stopping, told = asyncio.Event(), asyncio.Queue[str]()
    supervisor.on_failed = lambda name, detail: told.put_nowait(detail)
    running = asyncio.create_task(supervisor.run({}, stopping))
    assert "Cannot use agents.db: it is damaged" in await asyncio.wait_for(told.get(), 60)
    status = supervisor.statuses()[1]
    assert (status.state, status.restarts) == (Component.FAILED, 0)
    assert list(status.log_lines) == ["Move it away.", "Error: Cannot use agents.db: it is damaged"]
    stopping.set()
    await running


async def test_a_child_that_the_system_cannot_start_now_is_started_later(tmp_path: Path) -> None:
    """Point 11: too many processes, or no memory, must not end the daemon."""
    home = Home(tmp_path)
    home.prepare()
    supervisor = Supervisor(home, {"child": [str(tmp_path / "missing")]}, SystemClock())
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    async with asyncio.timeout(60):
        seen = supervisor.changes.count
        while supervisor.statuses()[1].state != Component.RESTARTING:
            seen = await supervisor.changes.after(seen)
    assert "could not be started" in supervisor.statuses()[1].detail
    stopping.set()
    await running


class Measured:
    """In the place of a process of psutil: each measurement is another."""

    def __init__(self, pid: int) -> None:
        self.count = 0

    def cpu_percent(self) -> float:
        return float(self.count)

    def memory_info(self) -> Measured:
        self.count += 1
        if self.count == 4:
            raise psutil.NoSuchProcess(1)
        return self

    @property
    def rss(self) -> int:
        return 1000 * self.count

    def oneshot(self) -> AbstractContextManager[None]:
        return nullcontext()


def test_a_process_is_measured_over_spans_that_mean_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "Process", Measured)
    clock = StoppedClock()
    meter, shown = Meter(1, clock), []
    for seconds in (0.0, MIN_METER_SPAN - 0.1, 0.1, MIN_METER_SPAN - 0.1, 0.1, MIN_METER_SPAN):
        clock.seconds += seconds
        component = Component()
        meter.read(component)
        shown.append((component.memory_bytes, component.cpu_percent))
    # At once, then after each whole span; of a process that is gone the last is kept.
    assert shown == [(1000, 1.0), (1000, 1.0), (2000, 2.0), (2000, 2.0), (3000, 3.0), (3000, 3.0)]


async def test_a_status_says_who_runs_since_when_and_what_it_uses(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    clock = StoppedClock()
    supervisor = Supervisor(home, {"child": [sys.executable, "-c", CHILD, str(tmp_path)]}, clock)
    before = supervisor.statuses()[1]
    assert (before.name, before.state, before.pid, before.restarts) == ("child", Component.STARTING, 0, 0)
    assert not before.HasField("started_at")
    clock.seconds = 5
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    await Supervised(supervisor, tmp_path).token()
    server, child = supervisor.statuses()
    assert (server.name, server.state, server.pid) == ("server", Component.READY, os.getpid())
    assert server.started_at.ToDatetime(UTC) == NOON
    assert child.started_at.ToDatetime(UTC) == NOON + timedelta(seconds=5)
    assert psutil.Process(child.pid).ppid() == os.getpid()
    assert min(server.memory_bytes, child.memory_bytes) > 1_000_000
    stopping.set()
    await running
    ended = supervisor.statuses()[1]
    assert (ended.state, ended.pid, ended.memory_bytes, ended.restarts) == (Component.STOPPED, 0, 0, 0)


async def test_what_a_child_has_started_ends_with_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    script = "sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > pid.new; mv pid.new token; read line; read line"
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", script]}, SystemClock())
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    started = psutil.Process(int(await Supervised(supervisor, tmp_path).token()))
    stopping.set()
    await running
    await wait_for_end([started], 60)
    with suppress(psutil.NoSuchProcess):
        assert started.status() == psutil.STATUS_ZOMBIE


async def test_a_stop_while_a_child_is_being_started_ends_it_in_good_order(tmp_path: Path) -> None:
    """The child was killed as soon as its start was interrupted, and what it had started went on."""
    home = Home(tmp_path)
    home.prepare()
    supervisor = Supervisor(home, {"child": ["/bin/sh", "-c", "read line; read line"]}, SystemClock())
    stopping = asyncio.Event()
    running = asyncio.create_task(supervisor.run({}, stopping))
    for _ in range(3):
        # As far as the call that creates the process, which takes several turns of the loop.
        await asyncio.sleep(0)
    stopping.set()
    await running
    assert supervisor.statuses()[1].state == Component.STOPPED


def test_our_own_program_is_started_without_the_working_folder() -> None:
    """A file of the project must not be able to take the place of a module."""
    assert own_command("internal-server", "--no-auth") == [
        *(sys.executable, "-P", "-m", "stigmer_tui"),
        *("internal-server", "--no-auth"),
    ]


@pytest.mark.parametrize(("name", "expected"), [("workflow-runner", "-"), ("agent-runner", "k-1")])
async def test_only_the_agent_runner_gets_the_keys_of_providers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k-1")
    home = Home(tmp_path)
    home.prepare()
    seen, stopping = tmp_path / "seen", asyncio.Event()
    os.mkfifo(seen)
    script = f"printf %s ${{OPENAI_API_KEY:--}} >'{seen}'; read line"
    supervisor = Supervisor(home, {name: ["/bin/sh", "-c", script]}, SystemClock())
    running = asyncio.create_task(supervisor.run({}, stopping))
    try:
        assert await asyncio.wait_for(asyncio.to_thread(seen.read_text), 60) == expected
    finally:
        stopping.set()
        await running
