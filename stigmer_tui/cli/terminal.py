"""Guards the terminal around the full-screen app.

A small parent process saves the terminal settings and waits for the app, which runs in a child. However the child ends
(error, signal, kill -9, crash in native code), the parent restores the terminal. It kills an app that does not end
after a signal. If one of the two is stopped, the whole job is, so that the shell gets the terminal back. If the parent
is killed, the child notices and ends gracefully.

A signal that comes just before the event loop of the app falls asleep does not wake it up. Each signal that the child
got is therefore reported to the parent, which answers with a byte that does.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator

from stigmer_tui.cli.skeleton import restore_terminal
from stigmer_tui.core.terminal import in_foreground

ENDING = (signal.SIGTERM, signal.SIGHUP)
"""Signals that ask the app to end."""

FORWARDED = (*ENDING, signal.SIGUSR1, signal.SIGUSR2, signal.SIGTSTP)

IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTTOU)
"""Ignored by the parent: keys are for the app, and restoring the terminal must not stop this process."""

PATIENCE = 3.0
"""Seconds for the app to end after a signal."""

READING_LIMIT = 0.5
"""Seconds for the terminal to read the last output of the app."""


def run_in_terminal(app: Callable[[int], int], log: str) -> int:
    """Runs the app in a child process; returns its exit code, or 128 plus the signal that ended it.

    The app gets a file descriptor with a byte for each signal that it got, which ends when the parent is gone. `log` is
    mentioned to the user if the app crashes.
    """
    terminal = sys.stdin.fileno()
    settings = termios.tcgetattr(terminal)
    life_end, life = os.pipe()
    done, done_end = os.pipe()
    told, telling = os.pipe()
    child = os.fork()
    if child == 0:
        for descriptor in (life, done, told):
            os.close(descriptor)
        _run_child(app, life_end, done_end, telling)
    for descriptor in (life_end, done_end, telling):
        os.close(descriptor)
    with _signal_bytes() as signals:
        keeper = _Keeper(child, signals, told, life)
        code = keeper.wait()
        is_restored = bool(os.read(done, 1))
        with contextlib.suppress(OSError, termios.error):
            # Fails if the terminal is gone, which is fine.
            _give_back(terminal, settings, is_restored)
            if not (is_restored or keeper.ended_by):
                os.write(2, f"stigmer-tui ended unexpectedly (code {code}); its log: {log}\n".encode())
    os.close(life)
    return code


class _Keeper:
    """Waits for the child."""

    def __init__(self, child: int, signals: int, told: int, life: int) -> None:
        """`signals` and `told` deliver the signals sent to this process and to the child, one byte each.

        `life` takes those of the child back to its event loop.
        """
        self._child = child
        self._signals = signals
        self._told = told
        self._life = life
        os.set_blocking(life, False)
        self._deadline = 0.0
        self.ended_by = 0
        """The signal that asked the app to end, or 0."""

    def wait(self) -> int:
        """Returns the exit code."""
        sources = [self._signals, self._told]
        while True:
            pid, status = os.waitpid(self._child, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                self._stop_the_job()
            elif pid:
                return self._code(status)
            limit = max(0.0, self._deadline - time.monotonic()) if self._deadline else None
            ready, _, _ = select.select(sources, [], [], limit)
            if self._signals in ready:
                self._forward(os.read(self._signals, 1 << 10))
            if self._told in ready:
                numbers = os.read(self._told, 1 << 10)
                self._note(numbers)
                with contextlib.suppress(OSError):
                    # A full pipe wakes the child up as well; one that has ended needs nothing more.
                    os.write(self._life, numbers)
                if not numbers:
                    sources.remove(self._told)
            if self._deadline and time.monotonic() >= self._deadline:
                self._deadline = 0.0
                self._send(signal.SIGKILL)

    def _forward(self, numbers: bytes) -> None:
        for number in numbers:
            if number in FORWARDED:
                self._send(number)
        self._note(numbers)

    def _note(self, numbers: bytes) -> None:
        ending = next((number for number in numbers if number in ENDING), 0)
        if ending and not self.ended_by:
            self.ended_by, self._deadline = ending, time.monotonic() + PATIENCE

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)

    def _stop_the_job(self) -> None:
        """Stops the job until it is continued; returns at once if there is no job control."""
        noting = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.killpg(0, signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, noting)
        goes_on, _ = os.waitpid(self._child, os.WNOHANG | os.WCONTINUED)
        if not goes_on:
            self._send(signal.SIGCONT)

    def _code(self, status: int) -> int:
        code = os.waitstatus_to_exitcode(status)
        if code >= 0:
            return code
        return 128 + (self.ended_by if self.ended_by and code == -signal.SIGKILL else -code)


def _run_child(app: Callable[[int], int], life_end: int, done_end: int, telling: int) -> None:
    """Never returns. Reports through `done_end` that the app itself has restored the terminal."""
    code = 1
    try:
        # Signals reach the parent as bytes even if the event loop here is stuck.
        os.set_blocking(telling, False)
        signal.set_wakeup_fd(telling, warn_on_full_buffer=False)
        # Not stopped before the app can give the terminal back.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTSTP,))
        code = app(life_end)
        os.write(done_end, b"1")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        # Before the app reads ctrl+c as a key.
        code = 128 + signal.SIGINT
        restore_terminal()
        os.write(done_end, b"1")
    except BaseException:
        import traceback

        from stigmer_tui.core.known_secrets import clean

        # Standard error is the log by now; the parent prints the message for the user.
        os.write(2, clean(traceback.format_exc()).encode(errors="replace"))
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def _give_back(terminal: int, settings: list[int | list[bytes | int]], is_restored: bool) -> None:
    if not is_restored:
        _, ready, _ = select.select([], [sys.stdout.fileno()], [], READING_LIMIT)
        if not ready:
            # The terminal does not read; unwritten output is useless and would block.
            termios.tcflush(terminal, termios.TCOFLUSH)
        restore_terminal()
    if in_foreground(terminal):
        termios.tcsetattr(terminal, termios.TCSANOW, settings)


@contextlib.contextmanager
def _signal_bytes() -> Iterator[int]:
    """A file descriptor that delivers the signals sent to this process, one byte each."""
    numbers, noting = os.pipe()
    os.set_blocking(noting, False)
    stopping = signal.getsignal(signal.SIGTSTP)
    before = {number: signal.signal(number, _noted) for number in (*FORWARDED, signal.SIGCHLD)}
    before |= {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED}
    if stopping is signal.SIG_IGN:
        # A parent that ignores this signal could not continue us.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    earlier = signal.set_wakeup_fd(noting, warn_on_full_buffer=False)
    try:
        yield numbers
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in before.items():
            signal.signal(number, handler)


def _noted(number: int, frame: object) -> None:
    """Does nothing; the byte is written before this is called."""
