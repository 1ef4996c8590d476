"""Runs commands, ends every process that they have started, and keeps their output in bounded memory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.kept_program import MARK, KeptProgram, end_marked
from stigmer_tui.core.units import size_text


class BoundedOutput:
    """Keeps the first and the last `most / 2` bytes of an output."""

    def __init__(self, most: int) -> None:
        self._half = most // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0

    def add(self, data: bytes) -> None:
        """Appends data."""
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        if len(self._tail) > 2 * self._half:
            self._trim()

    def text(self) -> str:
        """The output, with a note where bytes were left out."""
        self._trim()
        if not self._left_out:
            return (self._head + self._tail).decode(errors="replace")
        head, tail = self._head.decode(errors="replace"), self._tail.decode(errors="replace")
        return f"{head}\n… {size_text(self._left_out)} left out …\n{tail}"

    def _trim(self) -> None:
        surplus = max(0, len(self._tail) - self._half)
        del self._tail[:surplus]
        self._left_out += surplus


MAX_OUTPUT_SIZE = 60_000
"""Bytes of output that are kept."""

TIMED_OUT = 124
"""Exit code of a command that reached its time limit, as that of timeout(1)."""

REST = 0.5
"""Seconds to wait for the rest of the output when all processes have ended; a hidden one may keep it open."""


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended."""

    output: str
    """Standard output and error, in the order in which they came."""
    exit_code: int
    """As that of a shell: 128 plus the signal for a command that was killed; `TIMED_OUT` at the time limit."""
    timed_out: bool = False


async def run_command(
    arguments: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    mark: str,
    limit: float,
    receive: Callable[[bytes], None] | None = None,
) -> CommandResult:
    """Runs a program, for at most `limit` seconds. `receive` is given its output as it comes.

    `mark` names the execution, in the environment of every process of its commands. Where the system has no better
    way, all processes with the same mark are ended together, so an execution must run one command at a time.
    """
    output = BoundedOutput(MAX_OUTPUT_SIZE)
    with KeptProgram(mark) as kept, _collected(output, receive) as (pipe, closed):
        try:
            process = await kept.start(
                asyncio.create_subprocess_exec(
                    *kept.program(arguments),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=pipe,
                    stderr=pipe,
                    cwd=folder,
                    env={**environment, **kept.environment},
                    pass_fds=kept.descriptors,
                    start_new_session=True,
                )
            )
        finally:
            os.close(pipe)
        timed_out = False
        try:
            async with asyncio.timeout(limit):
                await process.wait()
        except TimeoutError:
            timed_out = True
        finally:
            await kept.end(process.kill)
            await process.wait()
        with suppress(TimeoutError):
            await asyncio.wait_for(closed.wait(), REST)
    code = process.returncode or 0
    return CommandResult(output.text(), TIMED_OUT if timed_out else code if code >= 0 else 128 - code, timed_out)


async def end_processes(mark: str) -> None:
    """Kills the processes that commands of an execution have left behind."""
    await end_marked(MARK, mark)


@contextmanager
def _collected(output: BoundedOutput, receive: Callable[[bytes], None] | None) -> Iterator[tuple[int, asyncio.Event]]:
    """A pipe into `output`: its write end, and an event that is set when no process holds that end any more.

    With asyncio's own pipe, the end of a process would wait for all that have inherited the pipe.
    """
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    closed = asyncio.Event()

    def read() -> None:
        data = os.read(reading, 65536)
        output.add(data)
        if receive is not None:
            receive(data)
        if not data:
            loop.remove_reader(reading)
            closed.set()

    loop.add_reader(reading, read)
    try:
        yield writing, closed
    finally:
        loop.remove_reader(reading)
        os.close(reading)
