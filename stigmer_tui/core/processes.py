"""Processes: which one a pid stands for, and how one is ended with all that it started."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

OWNER_MARK = "STIGMER_SANDBOX_OF"
"""Variable that names the folder of the daemon for which an agent runs a command, in every process of the command."""


def process_tree(pid: int) -> list[psutil.Process]:
    """A process and its descendants, wherever their sessions and groups are; empty when it is gone."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def marked_processes(variable: str, value: str) -> Iterator[psutil.Process]:
    """Those with this variable in their environment, whatever they have become since and wherever they hide."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(variable) == value:
                yield process


async def wait_for_end(processes: Iterable[psutil.Process], limit: float) -> None:
    """Until all have ended, or for `limit` seconds. One whose parent has yet to collect its remains has ended."""
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
    """Kills at once, and does not wait."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()


START_TICKS = 19
"""Position in /proc/PID/stat of the start, in clock ticks since boot, counted from the state of the process."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A pid and when its process was started; together they name one process for good."""

    pid: int
    start: str
    """On Linux the boot, and clock ticks since then: unlike a time of day, no step of the clock moves them. Elsewhere
    the time of day that the system noted when it started the process.
    """

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """None when there is no such process, or only its remains."""
        start = _start_on_linux(pid) if sys.platform == "linux" else _start_elsewhere(pid)
        return cls(pid, start) if start else None

    @property
    def alive(self) -> bool:
        return ProcessIdentity.of(self.pid) == self


def _start_on_linux(pid: int) -> str:
    try:
        # The name of the program, which comes before the state, may hold anything but is the last in parentheses.
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
