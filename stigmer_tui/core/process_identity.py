"""Which process a pid stands for: the system gives the number to another one later."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

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
