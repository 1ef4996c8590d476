"""Runs one program, and ends with it everything that it has started.

A process of its own, between ours and the program, which needs nothing but an interpreter: any process whose parent has
ended becomes a child of its keeper (on Linux, where that is called a subreaper), whatever session, group or environment
it has given itself. The keeper ends the program when the other end of the control socket is closed, also because the
process there was killed. Elsewhere than on Linux it ends the process group only, and does not say that nothing is left.

    keeper.main([CONTROL, "exec", PROGRAM, *arguments])     another program
    keeper.main([CONTROL, "package", PACKAGE, *arguments])  its __main__, in this interpreter, without starting another

On the socket it writes the pid of the program, and NOTHING_LEFT when that is so. Its exit status is the program's.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress
from time import monotonic, sleep

TYPE_CHECKING = False
if TYPE_CHECKING:
    # It would take a third of the time in which a keeper starts.
    from typing import NoReturn

NOTHING_LEFT = b"."

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36

LIMIT = 3.0
"""Seconds for killing what the program has left; what is in an uninterruptible call cannot be killed."""

PAUSE = 0.002
"""Seconds from one round of killing to the next."""

CANNOT_START = 127


def main(arguments: list[str]) -> None:
    """Returns in the process of the package that is run, when it has been; the keeper itself exits."""
    control = int(arguments[0])
    os.set_inheritable(control, False)
    keeper_is_ready, start = os.pipe()
    program = os.fork()
    if program == 0:
        os.close(control)
        os.close(start)
        os.setsid()
        _become(arguments[1], arguments[2:], keeper_is_ready)
        return
    os.close(keeper_is_ready)
    is_subreaper = _become_subreaper()
    os.close(start)
    with suppress(OSError):
        os.write(control, b"%d\n" % program)
    status = _wait_for(program, control)
    if status is None:
        os.kill(program, signal.SIGKILL)
    if not is_subreaper:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(program, signal.SIGKILL)
    if _end_all() and is_subreaper:
        with suppress(OSError):
            os.write(control, NOTHING_LEFT)
    _exit_as(status)


def _become(kind: str, command: list[str], keeper_is_ready: int) -> None:
    if kind == "exec":
        os.read(keeper_is_ready, 1)
        for ignored in (signal.SIGPIPE, signal.SIGXFSZ):
            # By the interpreter, not by whoever runs the program.
            signal.signal(ignored, signal.SIG_DFL)
        try:
            os.execvp(command[0], command)  # noqa: S606 - without a shell is what is meant
        except OSError as error:
            os.write(2, f"{command[0]}: {error.strerror}\n".encode())
            os._exit(CANNOT_START)
    import runpy
    from importlib import import_module

    sys.modules.pop(__name__, None)
    sys.argv = command
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - pathlib takes time to load
    with suppress(ImportError):
        # Meanwhile the keeper gets ready. What is wrong is told below.
        import_module(command[0])
    os.read(keeper_is_ready, 1)
    os.close(keeper_is_ready)
    runpy.run_module(command[0], run_name="__main__", alter_sys=True)


def _become_subreaper() -> bool:
    if sys.platform != "linux":
        return False
    import ctypes

    try:
        prctl = ctypes.CDLL(None).prctl
    except (OSError, AttributeError):
        return False
    # A keeper that ends by the signal that ended its program leaves no second core file.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return bool(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _wait_for(program: int, control: int) -> int | None:
    """The status with which the program ended; None when it is to be ended."""
    noted, note = os.pipe()
    os.set_blocking(noted, False)
    os.set_blocking(note, False)
    signal.set_wakeup_fd(note, warn_on_full_buffer=False)
    asked = False

    def ask(number: int, frame: object) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    signal.signal(signal.SIGHUP, ask)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(noted, select.POLLIN)
    while not asked:
        # The program is there to be waited for until its end has been seen, so there is always a child.
        while ended := _ended():
            if ended[0] == program:
                return ended[1]
        if any(descriptor == control for descriptor, _ in poll.poll()):
            return None
        with suppress(BlockingIOError):
            os.read(noted, 4096)
    return None


def _end_all() -> bool:
    """Kills what there is until there is nothing; returns whether that was achieved."""
    end = monotonic() + LIMIT
    while monotonic() < end:
        try:
            while _ended():
                pass
        except ChildProcessError:
            return True
        for pid in _descendants():
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        sleep(PAUSE)
    return False


def _ended() -> tuple[int, int] | None:
    """The pid and status of a child that has ended; None when all go on. Raises ChildProcessError without any."""
    pid, status = os.waitpid(-1, os.WNOHANG)
    return (pid, status) if pid else None


def _descendants() -> list[int]:
    """All processes that have this one as a parent, directly or not."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else ():  # noqa: PTH208 - pathlib takes time to load
        if name.isdigit():
            with suppress(OSError, ValueError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                children.setdefault(int(file.read().rpartition(b")")[2].split()[1]), []).append(int(name))
    found: list[int] = []
    parents = [os.getpid()]
    while parents:
        below = children.get(parents.pop(), [])
        found += below
        parents += below
    return found


def _exit_as(status: int | None) -> NoReturn:
    code = os.waitstatus_to_exitcode(status) if status is not None else 128 + signal.SIGTERM
    if code < 0:
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code
    os._exit(code)
