"""A small app on the same terminal code as ours, in a state that its argument names. Starts in half the time."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from stigmer_tui.cli.terminal import run_in_terminal
from stigmer_tui.tui.terminal import TerminalApp


class Dialog(ModalScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("a dialog is open")


class StandIn(TerminalApp):
    BINDINGS: ClassVar[list[BindingType]] = [
        ("q", "exit", "quit"),
        ("s", "stick", "stick"),
        ("ctrl+z", "suspend_process", "suspend"),
    ]

    def __init__(self, state: str, lifeline: int) -> None:
        super().__init__(lifeline)
        self._state = state
        self._count = 0

    def compose(self) -> ComposeResult:
        yield Static("ready", id="text")

    def on_mount(self) -> None:
        match self._state:
            case "dialog":
                self.push_screen(Dialog())
            case "deaf":
                self._sleep_through_signals()
            case "flood":
                self.set_interval(0.005, self._pour)

    def _sleep_through_signals(self) -> None:
        """Another thread gets the signal, as if it had come just before the loop fell asleep."""
        loop = asyncio.get_running_loop()
        text = self.query_one("#text", Static)
        signal.signal(signal.SIGUSR1, lambda *_: loop.call_soon_threadsafe(text.update, "heard"))
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1,))

    def action_exit(self) -> None:
        self.exit(0)

    def action_stick(self) -> None:
        """As the framework does when its writer has died; whoever is asleep here wakes up for nothing."""
        self.query_one("#text", Static).update("stuck")
        self.call_after_refresh(self._stick)

    def _stick(self) -> None:
        while True:
            with contextlib.suppress(BaseException):
                threading.Event().wait()

    def _pour(self) -> None:
        self._count += 1
        self.query_one("#text", Static).update("ready\n" + f"{self._count} " * 1000)


def run(lifeline: int) -> int:
    app = StandIn(sys.argv[1], lifeline)
    code = app.run()
    return code if code is not None else app.return_code or 0


if __name__ == "__main__":
    sys.exit(run_in_terminal(run, "app.log"))
