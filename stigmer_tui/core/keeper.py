"""Runs one program, and ends all its descendants with it.

The keeper is a process between ours and the program, and needs only the standard library. On Linux it is a subreaper:
orphaned descendants become its children, whatever session, group or environment they have. The keeper ends the program
when the other end of the control socket is closed, also because our process was killed. On other systems it ends only
the process group, and does not report that nothing is left.

    keeper.main([CONTROL, "exec", PROGRAM, *arguments])     another program
    keeper.main([CONTROL, "package", PACKAGE, *arguments])  its __main__, in this interpreter, without starting another

It writes the pid of the program to the socket, and NOTHING_LEFT once that is true. It exits with the program's status.
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
    # Importing it would take a third of the time in which a keeper starts.
    from typing import NoReturn

NOTHING_LEFT = b"."

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36

LIMIT = 3.0
"""Seconds for killing leftover processes; one in an uninterruptible system call cannot be killed."""

PAUSE = 0.002
"""Seconds between two rounds of killing."""

CANNOT_START = 127


def main(arguments: list[str]) -> None:
    """Exits in the keeper. Returns only in the forked process of a package, after it has run."""
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
            # This interpreter ignores them, which the program must not inherit.
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
        # Meanwhile the keeper gets ready; an error is reported below.
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
    # The keeper dies of the same signal as its program, but must not leave a second core file.
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return bool(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _wait_for(program: int, control: int) -> int | None:
    """The exit status of the program; None if it has to be ended."""
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
        # The program itself has not been reaped yet, so there is always a child.
        while ended := _ended():
            if ended[0] == program:
                return ended[1]
        if any(descriptor == control for descriptor, _ in poll.poll()):
            return None
        with suppress(BlockingIOError):
            os.read(noted, 4096)
    return None


def _end_all() -> bool:
    """Kills all descendants, repeatedly; returns whether none is left."""
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
    """Pid and status of a child that has ended, or None. Raises ChildProcessError if there are no children."""
    pid, status = os.waitpid(-1, os.WNOHANG)
    return (pid, status) if pid else None


def _descendants() -> list[int]:
    """All processes below this one."""
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
