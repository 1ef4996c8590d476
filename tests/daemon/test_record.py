"""The daemon's lock and record: what finds it, whatever happens to clocks, pids and files."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import open_private
from stigmer_tui.core.processes import ProcessIdentity
from stigmer_tui.daemon import record, running
from stigmer_tui.daemon.lifecycle import stop_daemon
from stigmer_tui.daemon.record import DaemonLock, DaemonRecord, clear_record, daemon_runs, read_record
from stigmer_tui.daemon.running import NoAnswer, running_record

STAND_IN = """
import os, signal, sys
from pathlib import Path
from stigmer_tui.core.processes import ProcessIdentity
from stigmer_tui.daemon.record import DaemonLock, DaemonRecord

lock = DaemonLock.acquire(Path(sys.argv[1]), 0)
identity = ProcessIdentity.of(int(sys.argv[2] or os.getpid()))
lock.write(DaemonRecord(identity.pid, identity.start, "127.0.0.1:1", "0", True))
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


@contextmanager
def stand_in(home: Home, pid: str = "") -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock, and says that it is itself, or the process of that pid."""
    arguments = [sys.executable, "-c", STAND_IN, str(home.daemon_lock), pid]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system notes the time of day of the start")
@pytest.mark.parametrize("step", [-3600.0, 0.6, 7.0])
async def test_a_step_of_the_clock_changes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    """Point 3: status, start and stop go by running_record, and find the daemon as before."""
    with stand_in(home) as daemon:
        process = psutil.Process(daemon.pid)
        created, known = process.create_time(), ProcessIdentity.of(daemon.pid)
        system = psutil._psplatform  # type: ignore[attr-defined]
        boot = system.boot_time()
        monkeypatch.setattr(system, "boot_time", lambda: boot + step)
        monkeypatch.setattr(system, "BOOT_TIME", boot + step, raising=False)
        assert psutil.Process(daemon.pid).create_time() == pytest.approx(created + step)

        assert known is not None and known.alive
        found = await running_record(home)
        assert found is not None and found.pid == daemon.pid
        assert process.is_running()
        assert await stop_daemon(home)
        assert daemon.wait(5) < 0
    assert read_record(home) is None


async def test_a_daemon_that_was_killed_runs_no_more_but_is_remembered(home: Home) -> None:
    with stand_in(home) as daemon:
        assert daemon_runs(home)
        clear_record(home)
        daemon.kill()
        daemon.wait()
    assert not daemon_runs(home)
    assert await running_record(home) is None
    former = read_record(home)
    assert former is not None and former.pid == daemon.pid
    assert not await stop_daemon(home)
    assert read_record(home) is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"pid": 1}'])
async def test_a_record_that_was_changed(home: Home, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """Point 3: whether a daemon runs is never judged by the record, so nobody says that it does not."""
    monkeypatch.setattr(running, "SILENCE_LIMIT", 0.0)
    with stand_in(home) as daemon:
        home.daemon_lock.write_text(damage)
        for question in (running_record, stop_daemon):
            with pytest.raises(NoAnswer) as problem:
                await question(home)
            assert problem.value.message == f"A process holds {home.daemon_lock}, and it is not known which"
        assert daemon.poll() is None


async def test_a_pid_that_belongs_to_another_by_now(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 3: the number alone ends nobody."""
    monkeypatch.setattr(running, "SILENCE_LIMIT", 0.0)
    with stand_in(home, pid=str(os.getpid())):
        text = home.daemon_lock.read_text()
        identity = ProcessIdentity.of(os.getpid())
        assert identity is not None and identity.start in text
        home.daemon_lock.write_text(text.replace(identity.start, f"{identity.start}1"))
        with pytest.raises(NoAnswer):
            await stop_daemon(home)


def test_there_is_one_daemon(home: Home) -> None:
    first = DaemonLock.acquire(home.daemon_lock, 0)
    with pytest.raises(TimeoutError):
        DaemonLock.acquire(home.daemon_lock, 0)
    first.release()
    DaemonLock.acquire(home.daemon_lock, 0).release()


def test_a_record_takes_the_place_of_the_one_before_and_is_cleared(home: Home) -> None:
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    assert read_record(home) is None
    for address in ("127.0.0.1:50051", "[::1]:1"):
        written = DaemonRecord(1, "start", address, "1.0", requires_token=False)
        lock.write(written)
        assert read_record(home) == written
    lock.clear()
    assert read_record(home) is None
    assert home.daemon_lock.read_bytes() == b""
    assert daemon_runs(home)
    lock.release()
    assert not daemon_runs(home)


@pytest.mark.parametrize(("pid", "is_taken"), [(-1, False), (0, False), (1, True), (2**31 - 1, True), (2**31, False)])
def test_only_what_can_be_a_pid_is_one(home: Home, pid: int, is_taken: bool) -> None:
    """Zero and less would name a group of processes, and ours among them."""
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    lock.write(DaemonRecord(pid, "start", "127.0.0.1:1", "1.0", requires_token=True))
    lock.release()
    assert (read_record(home) is not None) is is_taken


def test_a_daemon_waits_for_its_predecessor(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    first = DaemonLock.acquire(home.daemon_lock, 0)
    attempts: list[Path] = []

    def attempt(path: Path, flags: int) -> int:
        attempts.append(path)
        if len(attempts) == 3:
            first.release()
        return open_private(path, flags)

    monkeypatch.setattr(record, "open_private", attempt)
    monkeypatch.setattr(record, "RETRY_PAUSE", 0.0)
    DaemonLock.acquire(home.daemon_lock, 60).release()
    assert attempts == [home.daemon_lock] * 3


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_daemon_knows_that_its_folder_is_gone(
    home: Home, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    """Point 6: also when there is a new folder of the same name, with another daemon."""
    monkeypatch.setattr(record, "LOOK", 0.01)
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    lost = asyncio.create_task(lock.lost())
    await asyncio.sleep(0)
    assert not lost.done()
    if replaced:
        home.root.rename(home.root.with_name("elsewhere"))
        home.prepare()
        DaemonLock.acquire(home.daemon_lock, 0).release()
    else:
        shutil.rmtree(home.root)
    async with asyncio.timeout(60):
        await lost
    lock.release()


def test_no_process_has_no_identity() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
        assert ProcessIdentity.of(process.pid) is None
    own = ProcessIdentity.of(os.getpid())
    assert own is not None and own.alive
    assert not ProcessIdentity(own.pid, "another").alive
