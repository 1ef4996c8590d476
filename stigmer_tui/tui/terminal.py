"""The terminal of the app: released while the job is suspended; the app ends when it is gone.

Textual's driver does not handle a lost terminal: its writer dies, the event loop blocks in the writer's full queue, and
the reader spins on end of file. It also suspends only its own process and not the whole job.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import threading
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Any, TextIO, cast

from rich.segment import Segment
from textual._time import get_time
from textual._xterm_parser import XTermParser
from textual.app import App
from textual.color import Color
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.filter import LineFilter

from stigmer_tui.core.terminal import in_foreground
from stigmer_tui.tui.render.cells import without_controls

GRACE = 0.7
"""Seconds for a graceful end; then the process exits immediately."""

ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""Signals that end the app gracefully."""

HUNG_UP = 128 + signal.SIGHUP
"""Exit code after the terminal or the parent is gone."""


class EndWatch:
    """A thread that ends this process even if the event loop is stuck."""

    def __init__(self, lifeline: int, ask: Callable[[int], None], wake: Callable[[], None]) -> None:
        """`ask` requests the end with an exit code; `wake` has the event loop run the handlers of signals.

        `lifeline` has a byte for each signal that came, and its end is the end of the parent.
        """
        self._lifeline = lifeline
        self._ask = ask
        self._wake = wake
        self._codes, self._code = os.pipe()
        os.set_blocking(self._code, False)
        self.is_ending = False
        threading.Thread(target=self._watch, name="end-watch", daemon=True).start()

    def end(self, code: int) -> None:
        """Returns at once. May be called from any thread, and by the handler of a signal."""
        self.is_ending = True
        with contextlib.suppress(BlockingIOError):
            os.write(self._code, bytes((code,)))

    def _watch(self) -> None:
        code = self._wait()
        with contextlib.suppress(RuntimeError):
            # The loop may be closed already.
            self._ask(code)
        time.sleep(GRACE)
        os._exit(code)

    def _wait(self) -> int:
        """Returns the exit code."""
        while True:
            ready, _, _ = select.select([self._lifeline, self._codes], [], [])
            if self._codes in ready:
                return os.read(self._codes, 1)[0]
            if not os.read(self._lifeline, 1 << 10):
                return HUNG_UP
            with contextlib.suppress(RuntimeError):
                self._wake()


class ControlLineFilter(LineFilter):
    """Removes control characters from the text of Textual's own widgets."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [Segment(without_controls(segment.text), segment.style, segment.control) for segment in segments]


CONTROLS = ControlLineFilter()


class TerminalApp(App[int]):
    """An app that ends with its terminal, by a signal, or with its parent, and that can be suspended."""

    def __init__(self, lifeline: int | None = None) -> None:
        """`lifeline` is a file descriptor that comes from the process that restores the terminal, and ends with it.

        None in tests, which have no such process.
        """
        super().__init__()
        self._lifeline = lifeline
        self._end_watch: EndWatch | None = None

    def get_driver_class(self) -> type[Driver]:
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*super().get_line_filters(), CONTROLS]

    def on_mount(self) -> None:
        if self._lifeline is None:
            return
        loop = asyncio.get_running_loop()
        watch = self._end_watch = EndWatch(
            self._lifeline, ask=lambda code: _call(loop, self.exit, code), wake=lambda: _call(loop, _nothing)
        )
        for number in ENDING:
            # Not asyncio's handlers, which need a running loop.
            signal.signal(number, lambda number, _: watch.end(128 + number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTSTP,))

    @property
    def is_ending(self) -> bool:
        return self._end_watch is not None and self._end_watch.is_ending

    def terminal_lost(self) -> None:
        """Called by the threads that read from the terminal and write to it."""
        if self._end_watch:
            self._end_watch.end(HUNG_UP)

    def action_suspend_process(self) -> None:
        self._away(TerminalDriver.suspend)

    def retake_terminal(self) -> None:
        """Takes the terminal again after an unannounced stop, such as by SIGSTOP."""
        self._away(TerminalDriver.retake)

    def _away(self, leave: Callable[[TerminalDriver], None]) -> None:
        if isinstance(self._driver, TerminalDriver) and self._running:
            self._suspend_signal()
            leave(self._driver)
            self._resume_signal()
            self.refresh(layout=True)


class TerminalDriver(LinuxDriver):
    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        # A parent that ignores this signal could not continue us.
        self._can_stop = signal.getsignal(signal.SIGTSTP) is not signal.SIG_IGN
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._owner = cast(TerminalApp, app)
        self._file = cast(TextIOWrapper, _TerminalFile(cast(TextIO, self._file), self._owner.terminal_lost))
        self._settings: list[Any] | None = None
        self._interrupt_reader, self._interruption = os.pipe()
        self._is_leaving = self._was_continued = False
        signal.signal(signal.SIGTSTP, self._asked_to_stop if self._can_stop else signal.SIG_IGN)
        signal.signal(signal.SIGCONT, self._asked_to_go_on)

    def write(self, data: str) -> None:
        """Writes nothing while the terminal is released."""
        if self._writer_thread and self._writer_thread.is_alive():
            super().write(data)

    def start_application_mode(self) -> None:
        super().start_application_mode()  # type: ignore[no-untyped-call]
        # After an unannounced stop the terminal still has our settings; keep the original ones.
        self.attrs_before = self._settings = self._settings or self.attrs_before

    def stop_application_mode(self) -> None:
        if not self._is_ours():
            # The shell has set its own modes.
            self.attrs_before = None
        if self._mouse_pixels:
            self.write("\x1b[?1016l")
        # SIGTTOU must not stop us half-way in the background.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTTOU,))
        super().stop_application_mode()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTTOU,))

    def disable_input(self) -> None:
        if self._key_thread and self._key_thread.is_alive():
            os.write(self._interruption, b"\0")
        super().disable_input()

    def run_input_thread(self) -> None:
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        while True:
            due = parser._timeout_time
            limit = None if due is None else max(0.0, due - get_time())
            try:
                ready, _, _ = select.select([self.fileno, self._interrupt_reader], [], [], limit)
                if self._interrupt_reader in ready:
                    os.read(self._interrupt_reader, 1)
                    return
                data = os.read(self.fileno, 1 << 12) if ready else b""
            except OSError:
                self._owner.terminal_lost()
                return
            if ready and not data:
                self._owner.terminal_lost()
                return
            text = decode(data)
            for event in (*(parser.feed(text) if text else ()), *parser.tick()):
                self.process_message(event)

    def suspend(self) -> None:
        """Releases the terminal and stops; takes it again when the job continues in the foreground."""
        if not self._can_stop:
            return
        self._is_leaving = True
        self.suspend_application_mode()
        while self._stop() and not self._is_ours() and not self._owner.is_ending:
            pass
        if not self._owner.is_ending:
            self.resume_application_mode()
        self._is_leaving = False

    def retake(self) -> None:
        """Restores modes that a shell may have reset."""
        if not self._is_ours():
            self.suspend()
        elif not self._owner.is_ending:
            self.suspend_application_mode()
            self.resume_application_mode()

    def _is_ours(self) -> bool:
        try:
            return in_foreground(self.fileno)
        except OSError:
            return True

    def _stop(self) -> bool:
        """Stops this process; the parent notices and stops the rest of the job. False if there is no job control."""
        self._was_continued = False
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._asked_to_stop)
        return self._was_continued

    def _asked_to_stop(self, *_: object) -> None:
        """May be called twice: for a signal to the whole job, and for the parent's."""
        if not self._is_leaving:
            self._is_leaving = True
            _call(self._loop, self._owner.action_suspend_process)

    def _asked_to_go_on(self, *_: object) -> None:
        self._was_continued = True
        if not self._is_leaving:
            _call(self._loop, self._owner.retake_terminal)


class _TerminalFile:
    """The file of the writer thread. Discards output once the terminal is gone, so that nothing blocks."""

    def __init__(self, file: TextIO, lost: Callable[[], None]) -> None:
        self._file = file
        self._lost = lost

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError:
            self._lost()

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError:
            self._lost()

    def fileno(self) -> int:
        return self._file.fileno()


def _call(loop: asyncio.AbstractEventLoop, callback: Callable[..., object], *arguments: object) -> None:
    loop.call_soon_threadsafe(callback, *arguments)


def _nothing() -> None:
    """The loop woke up, which is all."""
