"""Programs that end with everything that they have started: our side of keeper.py.

On Linux nothing escapes: neither by `setsid`, nor by a second fork, nor by an emptied environment. On macOS the process
group ends, and whatever still has our mark in its environment; what has left both goes on.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from stigmer_tui.core.keeper import NOTHING_LEFT

MARK = "STIGMER_COMMAND"
"""Variable by which the processes of a program are found where the system has no better way."""

END_LIMIT = 5.0
"""Seconds in which a keeper that is asked to end has done so; it takes milliseconds, but a machine may be busy."""

LOAD_KEEPER = (
    "import sys; sys.path.insert(0, sys.argv[1]); from keeper import main; del sys.path[:2]; main(sys.argv[2:])"
)
"""Not the file itself, which would be compiled each time. The keeper knows no modules of the working folder."""


class KeptProgram:
    """One program, from before its start to after its end. Start what `arguments` says, with `environment` and
    `descriptors`; say `started`; and `end` it, however its time ended.
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
        self.started()
        self._ours.close()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the started process must inherit."""
        return (self._theirs.fileno(),)

    def program(self, arguments: Sequence[str]) -> list[str]:
        """The arguments that start a program with its keeper."""
        # Nothing of the environment reaches the keeper itself, and it loads nothing but the interpreter.
        return [sys.executable, "-I", "-S", *self._keeper(), "exec", *arguments]

    def package(self, interpreter: str, package: str, *arguments: str) -> list[str]:
        """The arguments that run a package with its keeper, in one interpreter: `python -m` in a fork of the keeper."""
        return [interpreter, *self._keeper(), "package", package, *arguments]

    def _keeper(self) -> list[str]:
        return ["-c", LOAD_KEEPER, str(Path(__file__).parent), str(self._theirs.fileno())]

    def started(self) -> None:
        """From here on the keeper notices when this process ends."""
        self._theirs.close()

    async def end(self, kill: Callable[[], None]) -> None:
        """Returns when the program and all that it has started are gone. `kill` ends the keeper by force."""
        told = b""
        with suppress(OSError, TimeoutError):
            self._ours.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(END_LIMIT):
                # Its end of the socket is closed when the keeper is gone.
                while part := await asyncio.get_running_loop().sock_recv(self._ours, 100):
                    told += part
        if NOTHING_LEFT in told:
            return
        # It was killed, or cannot know.
        with suppress(ProcessLookupError):
            kill()
        if pid := told.partition(b"\n")[0]:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(int(pid), signal.SIGKILL)
        await end_marked(MARK, self._mark)


async def end_marked(variable: str, value: str) -> None:
    """Kills every process with this variable in its environment."""
    await asyncio.to_thread(_end_marked, variable, value)


SWEEPS = 10
"""How often processes are looked for that are to be killed."""


def _end_marked(variable: str, value: str) -> None:
    from stigmer_tui.core.processes import kill_all, marked_processes

    # A process that is being started, or that is becoming another program, can be overlooked: twice none is none.
    # But not for ever, for some cannot be killed.
    none = 0
    for _ in range(SWEEPS):
        marked = list(marked_processes(variable, value))
        kill_all(marked)
        none = 0 if marked else none + 1
        if none == 2:
            break
