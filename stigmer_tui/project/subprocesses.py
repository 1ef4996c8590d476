"""Runs other programs: passes on their output as it comes, and ends everything that they have started."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stigmer_tui.core.kept_program import KeptProgram
from stigmer_tui.core.lines import LineSplitter

STANDARD_ERROR = 2
MAX_LINE_LENGTH = 65_536
"""Characters. A longer line comes in pieces."""
MAX_LINES = 20_000
"""The number of lines that are kept, the last ones."""
CLOSING_LIMIT = 1.0
"""Seconds to wait for the output to close after a program has ended."""


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line that a program has printed."""

    text: str
    is_error: bool
    """Whether it came from standard error."""


OnLine = Callable[[OutputLine], None]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int
    """The exit status; negative for the signal that ended it."""
    lines: tuple[OutputLine, ...]

    @property
    def errors(self) -> str:
        """Its standard error."""
        return "\n".join(line.text for line in self.lines if line.is_error)


RunPackage = Callable[[Path, Sequence[str], Path, Mapping[str, str], OnLine], Coroutine[None, None, Ended]]
"""`run_package`, or what does the same in another way."""


class Running(Protocol):
    """A process that runs a program."""

    @property
    def status(self) -> int:
        """The exit status, once the process has exited; negative for the signal that ended it."""
        ...

    def kill(self) -> None:
        """Ends it by force."""
        ...

    def close(self) -> None:
        """Lets go of its pipes."""
        ...


class Output:
    """What a program prints. It separates the end of the process from the end of its output, and has no limit to a
    line.
    """

    def __init__(self, on_line: OnLine) -> None:
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()
        self.lines: deque[OutputLine] = deque(maxlen=MAX_LINES)
        self._on_line = on_line
        self._open = {fd: LineSplitter(MAX_LINE_LENGTH) for fd in (1, 2)}

    def receive(self, fd: int, data: bytes) -> None:
        """What has come from the descriptor 1 or 2."""
        self._emit(fd, self._open[fd].feed(data))

    def close(self, fd: int) -> None:
        """Nothing more comes from this descriptor."""
        if closed := self._open.pop(fd, None):
            self._emit(fd, closed.end())

    @property
    def is_closed(self) -> bool:
        """Whether both descriptors are closed."""
        return not self._open

    def _emit(self, fd: int, texts: Iterable[str]) -> None:
        for text in texts:
            line = OutputLine(text, fd == STANDARD_ERROR)
            self.lines.append(line)
            self._on_line(line)


async def run_program(command: Sequence[str], folder: Path, environment: Mapping[str, str], on_line: OnLine) -> Ended:
    """Runs a program to its end. At the end, or when cancelled, all processes that it has started are ended too."""
    with KeptProgram() as kept:
        return await _run(kept, kept.program(command), folder, environment, on_line)


async def run_package(
    interpreter: Path, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], on_line: OnLine
) -> Ended:
    """As `run_program`, for a Python package with a `__main__`, and its arguments.

    Raises OSError when the interpreter cannot be started.
    """
    with KeptProgram() as kept:
        return await _run(kept, kept.package(str(interpreter), *arguments), folder, environment, on_line)


async def until_ended(kept: KeptProgram, running: Running, output: Output) -> Ended:
    """Waits for a program that runs below its keeper, then ends all that it has started; at once when cancelled."""
    try:
        try:
            await output.exited.wait()
        finally:
            # Processes that it has left behind would keep its output open.
            await kept.end(running.kill)
            await output.exited.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_LIMIT):
                await output.closed.wait()
    finally:
        running.close()
    return Ended(running.status, tuple(output.lines))


async def _run(
    kept: KeptProgram, command: Sequence[str], folder: Path, environment: Mapping[str, str], on_line: OnLine
) -> Ended:
    loop = asyncio.get_running_loop()
    output = Output(on_line)
    transport, _ = await kept.start(
        loop.subprocess_exec(
            lambda: _Events(output),
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            cwd=folder,
            env={**environment, **kept.environment},
            pass_fds=kept.descriptors,
            start_new_session=True,
        )
    )
    return await until_ended(kept, _Started(transport), output)


@dataclass(frozen=True, slots=True)
class _Started:
    transport: asyncio.SubprocessTransport

    @property
    def status(self) -> int:
        return self.transport.get_returncode() or 0

    def kill(self) -> None:
        self.transport.kill()

    def close(self) -> None:
        self.transport.close()


class _Events(asyncio.SubprocessProtocol):
    def __init__(self, output: Output) -> None:
        self._output = output

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._output.receive(fd, data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self._output.close(fd)

    def process_exited(self) -> None:
        self._output.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._output.closed.set()
