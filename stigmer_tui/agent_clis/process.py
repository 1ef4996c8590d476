"""Runs the program of an agent: its output live into the transcript, a time limit, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from stigmer_tui.core.kept_program import KeptProgram
from stigmer_tui.core.lines import LineSplitter
from stigmer_tui.core.private_files import open_private
from stigmer_tui.core.processes import process_tree

GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL."""
CLOSING_LIMIT = 1.0
"""Seconds to wait for the output to close after the program has ended."""
MAX_LINE = 1_000_000
"""Characters. A longer line comes in pieces."""
MAX_OUTPUT = 1_000_000
"""Characters of the output that are kept in memory, the last ones; the transcript has all of it."""

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ProcessEnd:
    status: int
    """The exit status; negative for the signal that ended it."""
    timed_out: bool
    output: str
    """The end of it."""


async def run_process(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    transcript: Path,
    timeout: float,
    on_line: OnLine,
    grace: float = GRACE,
    given_up: asyncio.Event | None = None,
) -> ProcessEnd:
    """Runs a command to its end, for `timeout` seconds, or until it is given up.

    When it returns, or is cancelled, all that the command has started is gone, whatever session it has. Raises OSError
    when the machine cannot start a process.
    """
    descriptor = open_private(transcript, os.O_WRONLY | os.O_APPEND)
    with os.fdopen(descriptor, "ab", buffering=0) as file, KeptProgram() as kept:
        output = _Output(file, on_line)
        transport, _ = await kept.start(
            asyncio.get_running_loop().subprocess_exec(
                lambda: output,
                *kept.program(command),
                stdin=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.STDOUT,
                cwd=folder,
                env={**environment, **kept.environment},
                pass_fds=kept.descriptors,
                start_new_session=True,
            )
        )
        try:
            timed_out = await _wait(transport, output, timeout, grace, given_up or asyncio.Event())
        finally:
            try:
                await kept.end(transport.kill)
                await output.exited.wait()
                with suppress(TimeoutError):
                    async with asyncio.timeout(CLOSING_LIMIT):
                        await output.closed.wait()
            finally:
                transport.close()
        return ProcessEnd(transport.get_returncode() or 0, timed_out, output.end())


async def _wait(
    transport: asyncio.SubprocessTransport,
    output: _Output,
    timeout: float,
    grace: float,
    given_up: asyncio.Event,
) -> bool:
    """Whether the time was up before the program had ended by itself, and before it was given up."""
    ends = [asyncio.ensure_future(event.wait()) for event in (output.exited, given_up)]
    try:
        await asyncio.wait(ends, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
    if output.exited.is_set():
        return False
    for process in process_tree(transport.get_pid())[1:]:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            await output.exited.wait()
    return not given_up.is_set()


class _Output(asyncio.SubprocessProtocol):
    def __init__(self, transcript: IO[bytes], on_line: OnLine) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self._transcript = transcript
        self._on_line = on_line
        self._splitter = LineSplitter(MAX_LINE)
        self._kept: deque[str] = deque()
        self._size = 0

    def end(self) -> str:
        return "\n".join(self._kept)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        # A full disk must not end the run: the outcome is worth more than the transcript.
        with suppress(OSError):
            self._transcript.write(data)
        self._emit(self._splitter.feed(data))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._emit(self._splitter.end())

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()

    def _emit(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._kept.append(line)
            self._size += len(line) + 1
            while self._size > MAX_OUTPUT and len(self._kept) > 1:
                self._size -= len(self._kept.popleft()) + 1
            self._on_line(line)
