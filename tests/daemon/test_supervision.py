"""Supervision: who a child is, and that nothing else is ever ended."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.daemon_processes import RunnerIdentity
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.supervision import Supervisor

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

        it.supervisor.kill(identity)
        second = await it.token()
        assert second != first
        assert it.supervisor.identify(first) is None
        assert it.supervisor.identify(second) == RunnerIdentity("child", it.status().pid)
        last = it.supervisor.identify(second)
    assert last is not None and it.supervisor.identify(second) is None


async def test_only_children_are_killed(tmp_path: Path) -> None:
    """Point 2: a bystander lives, whatever name or pid is given."""
    async with supervised(tmp_path) as it:
        token = await it.token()
        with bystanding() as bystander:
            for name in ("child", "agent-runner"):
                it.supervisor.kill(RunnerIdentity(name, bystander.pid))
            assert it.supervisor.identify(token) is not None
            assert bystander.poll() is None
            bystander.communicate(b"\n")
        assert bystander.returncode == 0


def bystanding() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


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
    code = "import sys; print('Error: Cannot use agents.db: it is damaged', file=sys.stderr); sys.exit(78)"
    supervisor = Supervisor(home, {"child": [sys.executable, "-c", code]}, SystemClock())
    stopping, told = asyncio.Event(), asyncio.Queue[str]()
    supervisor.on_failed = lambda name, detail: told.put_nowait(detail)
    running = asyncio.create_task(supervisor.run({}, stopping))
    assert "Cannot use agents.db: it is damaged" in await asyncio.wait_for(told.get(), 60)
    assert (supervisor.statuses()[1].state, supervisor.statuses()[1].restarts) == (Component.FAILED, 0)
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
