"""Waits with modules loaded, and is forked for each run of a package, which saves their import. Linux only.

Like the keeper, it runs in the project's interpreter and needs only the standard library. It ends when the other end of
its socket is closed, also because that process was killed. A request is one byte with these descriptors:

    request   a file with {"arguments", "folder", "environment"}; the fork writes the modules that it has imported there
    control   the keeper's socket
    stdout, stderr
    status    a socket that gets the wait status of the keeper

The fork becomes a keeper, which is forked again for the package: from there on, all is as in a new interpreter.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import socket
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType
    from typing import Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
DESCRIPTORS = 5
PACKAGE_FOLDERS = ("site-packages", "dist-packages")


def main(arguments: list[str], keep: Callable[[list[str]], None]) -> None:
    """`arguments`: the descriptor of the socket, then the modules to load. `keep` is `keeper.main`.

    Exits in the server, and in the process of the package, unless it raises something.
    """
    requests = socket.socket(fileno=int(arguments[0]))
    requests.set_inheritable(False)
    _become_subreaper()
    for name in arguments[1:]:
        # What fails here, fails again where it is reported.
        with suppress(BaseException):
            __import__(name)
    loaded = json.dumps(_loaded()).encode()
    # So that forks need not look at what is loaded, which would copy its pages.
    gc.collect()
    gc.freeze()
    requests.sendall(loaded + b"\n")
    before = set(sys.modules)
    request, control, folder, command = _serve(requests)
    file = os.fstat(request)
    os.chdir(folder)
    sys.path_importer_cache.clear()
    sys.modules.pop(__name__, None)
    status = 0
    try:
        keep([str(control), "package", *command])
    except SystemExit as ending:
        if not isinstance(ending.code, int | None):
            raise
        status = ending.code or 0
    with suppress(OSError):
        # Code may close all descriptors, and get the number for a file of its own.
        if os.path.samestat(file, os.fstat(request)):
            _report_imports(request, before)
    _exit(status, before)


def _exit(status: int, before: set[str]) -> NoReturn:
    """As an interpreter ends, but what the server has loaded is not taken apart, which takes longer than a run."""
    threading: Any = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    exit_functions: Any = atexit
    exit_functions._run_exitfuncs()
    for name in set(sys.modules) - before:
        del sys.modules[name]
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(status)


def _become_subreaper() -> None:
    """So that what a keeper that was killed has left behind stays below this process."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _loaded() -> dict[str, Any]:
    """What the process depends on: changed files mean that it is out of date, and names must not be shadowed."""
    modules = [module for module in sys.modules.values() if _origin(module)]
    folders = [path for path in sys.path if os.path.basename(path) in PACKAGE_FOLDERS]  # noqa: PTH119
    paths = [sys.executable, os.path.join(sys.prefix, "pyvenv.cfg"), *folders]  # noqa: PTH118
    for folder in folders:
        with suppress(OSError):
            paths += [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".pth")]  # noqa: PTH118, PTH208
    paths += map(_origin, modules)
    return {
        "names": sorted({module.__name__.partition(".")[0] for module in modules}),
        "files": {path: mark for path in paths if (mark := mark_of(path))},
        "threads": len(os.listdir("/proc/self/task")),  # noqa: PTH208
    }


def mark_of(path: str) -> list[int] | None:
    """Changes with the file; None where there is no file."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return [status.st_ino, status.st_size, status.st_mtime_ns]


def _origin(module: ModuleType) -> str:
    """The file of a module; empty for one that is built in or frozen."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None)
    return origin if isinstance(origin, str) and os.path.isabs(origin) else ""  # noqa: PTH117


def _serve(requests: socket.socket) -> tuple[int, int, str, list[str]]:
    """Returns in each fork: the file of the request, the control socket, the folder and the command."""
    poll = select.poll()
    poll.register(requests, select.POLLIN)
    running: dict[int, tuple[int, int]] = {}
    """By the pid of a keeper: a descriptor that reports its end, and the one that gets its status."""
    while True:
        asked = any(descriptor == requests.fileno() for descriptor, _ in poll.poll())
        for pid, status in _ended():
            if pid in running:
                process, reply = running.pop(pid)
                poll.unregister(process)
                os.close(process)
                with suppress(OSError):
                    os.write(reply, b"%d" % status)
                os.close(reply)
        if not asked:
            continue
        data, descriptors, _, _ = socket.recv_fds(requests, 1, DESCRIPTORS)
        if len(data) == 0 or len(descriptors) != DESCRIPTORS:
            os._exit(0)
        request, control, stdout, stderr, reply = descriptors
        pid = os.fork()
        if pid == 0:
            for process, other in running.values():
                os.close(process)
                os.close(other)
            requests.close()
            os.close(reply)
            asked_for = _become(request, stdout, stderr)
            return request, control, asked_for["folder"], asked_for["arguments"]
        process = os.pidfd_open(pid)
        poll.register(process, select.POLLIN)
        running[pid] = process, reply
        for descriptor in (request, control, stdout, stderr):
            os.close(descriptor)


def _ended() -> Iterator[tuple[int, int]]:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def _become(request: int, stdout: int, stderr: int) -> dict[str, Any]:
    """The forked process takes on all by which a new one would differ from the server."""
    os.setsid()
    for descriptor, standard in ((stdout, 1), (stderr, 2)):
        os.dup2(descriptor, standard)
        os.close(descriptor)
    os.set_inheritable(request, False)
    with open(request, "rb", closefd=False) as file:
        asked_for: dict[str, Any] = json.load(file)
    # All others are as when the server was started, with what interpreter and modules have set.
    os.environ.update(asked_for["environment"])
    # The module `random` sees to itself.
    numpy_random: Any = sys.modules.get("numpy.random")
    if numpy_random is not None:
        numpy_random.seed()
    return asked_for


def _report_imports(request: int, before: Iterable[str]) -> None:
    """Modules of the standard library and of installed packages: those that do not change while code is written."""
    library = os.path.dirname(os.__file__) + os.sep  # noqa: PTH120
    installed = tuple(f"{os.sep}{folder}{os.sep}" for folder in PACKAGE_FOLDERS)
    known = set(before)
    names = [
        name
        for name, module in list(sys.modules.items())
        if name not in known
        and name != "__main__"
        and ((origin := _origin(module)).startswith(library) or any(part in origin for part in installed))
    ]
    os.ftruncate(request, 0)
    os.pwrite(request, json.dumps(names).encode(), 0)
