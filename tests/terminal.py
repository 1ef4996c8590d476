"""A program in a pseudo-terminal: keys in, bytes out, and what it costs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil


class Terminal:
    """A child of this process that believes to have a terminal of its own."""

    def __init__(
        self,
        arguments: Sequence[str],
        width: int = 120,
        height: int = 40,
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Runs our own Python with these arguments."""
        self.started = time.perf_counter()
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            own = dict(os.environ if environment is None else environment)
            own |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
            # As the app does: the framework waits up to a whole turn of its clock before it paints.
            own.setdefault("TEXTUAL_FPS", "120")
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            os.chdir(folder or Path.cwd())
            os.execve(sys.executable, [sys.executable, *arguments], own)
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.process = psutil.Process(self.pid)
        self.bytes_read = 0

    def read(self, seconds: float) -> bytes:
        """What it writes within so many seconds; returns with the first of it."""
        ready, _, _ = select.select([self.descriptor], [], [], max(0.0, seconds))
        if not ready:
            return b""
        try:
            data = os.read(self.descriptor, 1 << 16)
        except OSError:
            return b""
        self.bytes_read += len(data)
        return data

    def read_for(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def wait_for(self, pattern: bytes, seconds: float = 20.0) -> tuple[float, re.Match[bytes]]:
        """Seconds until it has written something that matches, and the match. Raises TimeoutError."""
        started = time.perf_counter()
        seen = b""
        while (left := started + seconds - time.perf_counter()) > 0:
            seen = seen[-200:] + self.read(left)
            if (match := re.search(pattern, seen)) is not None:
                return time.perf_counter() - started, match
        raise TimeoutError(f"{pattern!r} was not written within {seconds} s")

    def send(self, keys: bytes) -> None:
        os.write(self.descriptor, keys)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system

    def memory(self) -> int:
        """Resident bytes."""
        return int(self.process.memory_info().rss)

    def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)


@contextlib.contextmanager
def program(*arguments: str, width: int = 120, height: int = 40) -> Iterator[Terminal]:
    terminal = Terminal(arguments, width, height)
    try:
        yield terminal
    finally:
        terminal.close()
