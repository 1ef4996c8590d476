"""Processes: the identity behind a pid, and how to end a process with its descendants."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

OWNER_MARK = "STIGMER_SANDBOX_OF"
"""Environment variable that marks every process of an agent's command with the home folder of its daemon."""


def process_tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants, in any session or group; empty if it is gone."""
    try:
        found = [psutil.Process(pid)]
    except psutil.Error:
        return []
    # Not `Process.children`, which leaves out a child that seems to be older than its parent, because the clock of the
    # machine was set between two looks at it.
    children: defaultdict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            children[process.ppid()].append(process)
    for process in found:
        found += children[process.pid]
    return found


def marked_processes(variable: str, value: str) -> Iterator[psutil.Process]:
    """All processes that were started with this environment variable."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) == value:
                yield process


async def wait_for_end(processes: Iterable[psutil.Process], limit: float) -> None:
    """Waits until all have ended, or for `limit` seconds. Zombies count as ended."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit):
            await asyncio.gather(*(_wait_for(process, limit) for process in processes))


async def _wait_for(process: psutil.Process, limit: float) -> None:
    if sys.platform != "linux":
        with suppress(psutil.TimeoutExpired):
            await asyncio.to_thread(process.wait, limit)
        return
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def kill_all(processes: Iterable[psutil.Process]) -> None:
    """Sends SIGKILL, and does not wait."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


START_TICKS = 19
"""Position in /proc/PID/stat of the start, in clock ticks since boot, counted from the state of the process."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid and the start time of its process, which together are unique."""

    pid: int
    start: str
    """On Linux the boot id and clock ticks since boot, which no step of the clock changes. Elsewhere the wall-clock
    time at which the process was started.
    """

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """None if there is no such process, or it is a zombie."""
        start = _start_on_linux(pid) if sys.platform == "linux" else _start_elsewhere(pid)
        return cls(pid, start) if start else None

    @property
    def alive(self) -> bool:
        return ProcessIdentity.of(self.pid) == self


def _start_on_linux(pid: int) -> str:
    try:
        # The program name before the state may contain anything, but ends at the last parenthesis.
        state, *fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except (OSError, ValueError):
        return ""
    return "" if state in "ZX" else f"{_boot_id()} {fields[START_TICKS - 1]}"


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"


def _start_elsewhere(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return ""
