"""The terminal around the full-screen app: a way back from every end.

A tiny parent process keeps the terminal's settings and waits for the app, which runs in a child. Whatever becomes of
the child (an error, a signal, kill -9, a crash in native code), the parent gives the terminal back as it was. When it
is the parent that is killed, the child notices, and ends in good order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
from collections.abc import Callable, Iterator

from stigmer_tui.cli.skeleton import restore_terminal

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def run_in_terminal(app: Callable[[int], int], log: str) -> int:
    """Runs the app in a child process; returns its exit code, or 128 and the number of the signal that ended it.

    The app is given a file descriptor that becomes readable when the parent is gone. `log` is named to the person
    when the app ends without having restored the terminal.
    """
    settings = termios.tcgetattr(sys.stdin.fileno())
    life_end, life = os.pipe()
    done, done_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(life)
        os.close(done)
        _run_child(app, life_end, done_end)
    os.close(life_end)
    os.close(done_end)
    with _forwarding_signals(child):
        code = _wait(child)
    restored = bool(os.read(done, 1))
    if not restored:
        restore_terminal()
    termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, settings)
    if not restored:
        sys.stderr.write(f"stigmer-tui ended unexpectedly (code {code}); its log: {log}\n")
    os.close(life)
    return code


def _run_child(app: Callable[[int], int], life_end: int, done_end: int) -> None:
    """Never returns. Says that the terminal is restored by the app itself, unless that ended before it could."""
    code = 1
    try:
        code = app(life_end)
        os.write(done_end, b"1")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        from stigmer_tui.core.known_secrets import clean

        # Standard error is the log by now; what the person sees is the parent's affair.
        os.write(2, clean(traceback.format_exc()).encode(errors="replace"))
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def _wait(child: int) -> int:
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            # Suspended by the person: the whole job stops, and goes on together.
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
            continue
        code = os.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _forwarding_signals(child: int) -> Iterator[None]:
    """The person's signals are for the app; this process only waits."""

    def forward(number: int, frame: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    before |= {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
