"""Programs that end with everything that they have started: our side of keeper.py.

On Linux nothing escapes, neither by `setsid`, nor by a double fork, nor by an empty environment. On macOS we end the
process group and every process with our mark in its environment; a process that has left both goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from uuid import uuid4

from stigmer_tui.core.keeper import NOTHING_LEFT

Created = TypeVar("Created")

MARK = "STIGMER_COMMAND"
"""Environment variable that marks the processes of a program, for systems without subreapers."""

KEEPER_COMMAND = "keep"
"""By which a program that brings its own interpreter is its keeper, too (`agents/standalone`)."""

END_LIMIT = 5.0
"""Seconds to wait for a keeper to end. It needs milliseconds, but the machine may be busy."""

LOAD_KEEPER = (
    "import sys; sys.path.insert(0, sys.argv[1]); from keeper import main; del sys.path[:2]; main(sys.argv[2:])"
)
"""Imports the module, because a script would be compiled at each start; not from the working folder."""


class KeptProgram:
    """One program with its keeper. The caller creates a process of `arguments` with `environment` and `descriptors`, by
    `start` if it can be cancelled meanwhile, and finally calls `end`, whatever happened in between.
    """

    def __init__(self, mark: str = "") -> None:
        mark = mark or uuid4().hex
        self.environment = {MARK: mark}
        self._mark = mark
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)

    def __enter__(self) -> KeptProgram:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._theirs.close()
        self._ours.close()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """File descriptors that the new process must inherit."""
        return (self._theirs.fileno(),)

    def program(self, arguments: Sequence[str]) -> list[str]:
        """The command line that starts a program below its keeper."""
        if getattr(sys, "frozen", False):
            return [sys.executable, KEEPER_COMMAND, str(self._theirs.fileno()), "exec", *arguments]
        # Isolated and without site packages: the environment cannot affect the keeper, and it starts fast.
        return [sys.executable, "-I", "-S", *self._keeper(), "exec", *arguments]

    def package(self, interpreter: str, package: str, *arguments: str) -> list[str]:
        """The command line that runs a package like `python -m`, in a fork of its keeper, saving an interpreter."""
        return [interpreter, *self._keeper(), "package", package, *arguments]

    def _keeper(self) -> list[str]:
        return ["-c", LOAD_KEEPER, str(Path(__file__).parent), str(self._theirs.fileno())]

    async def start(self, creating: Coroutine[None, None, Created]) -> Created:
        """The process of the keeper. A cancellation is raised when the caller waits next, and can end the process.

        In the middle of the creation it would kill the keeper, and nothing would end what the keeper has started.
        """
        creation = asyncio.ensure_future(creating)
        cancellations = 0
        while not creation.done():
            try:
                await asyncio.wait([creation])
            except asyncio.CancelledError:
                cancellations += 1
        if task := asyncio.current_task():
            for _ in range(cancellations):
                # Raised once more, not counted twice.
                task.uncancel()
                task.cancel()
        # So that the keeper notices when this process ends.
        self._theirs.close()
        return creation.result()

    async def end(self, kill: Callable[[], None]) -> None:
        """Waits until the program and all its descendants are gone. `kill` ends the keeper by force."""
        told = b""
        with suppress(OSError, TimeoutError):
            self._ours.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(END_LIMIT):
                # End of file: the keeper is gone.
                while part := await asyncio.get_running_loop().sock_recv(self._ours, 100):
                    told += part
        if NOTHING_LEFT in told:
            return
        # The keeper was killed, or cannot tell.
        with suppress(ProcessLookupError):
            kill()
        if pid := told.partition(b"\n")[0]:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(pid), signal.SIGKILL)
        await end_marked(MARK, self._mark)


async def end_marked(variable: str, value: str) -> None:
    """Kills every process whose environment has this mark."""
    await asyncio.to_thread(_end_marked, variable, value)


SWEEPS = 10
"""Rounds of looking for processes to kill."""


def _end_marked(variable: str, value: str) -> None:
    from stigmer_tui.core.processes import kill_all, marked_processes

    # A process can be missed during fork or exec, so two rounds in a row must find none.
    # Bounded, because some processes cannot be killed.
    none = 0
    for _ in range(SWEEPS):
        marked = list(marked_processes(variable, value))
        kill_all(marked)
        none = 0 if marked else none + 1
        if none == 2:
            break
