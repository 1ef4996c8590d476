"""The app that is measured: the list of entries over an execution that grows at a steady rate.

    python -m tests.benchmarks.live_app EVENTS-BEFORE EVENTS-PER-SECOND

A key `+` counts up in the last line of the screen, so that one sees when a key is answered.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.tui.frame_throttle import FrameThrottle
from stigmer_tui.tui.gc_tuner import GcTuner
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.themed_widget import ThemedScreen
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.transcript import Transcript
from tests.benchmarks.shapes import execution_of, run_events

BEAT = 0.01
"""Seconds between two arrivals, each of as many events as the rate asks for."""


class LiveApp(App[None]):
    CSS_PATH = Path(__file__).parents[2] / "styles" / "roles.tcss"
    CSS = "Static { height: 1; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("plus", "count", "count", priority=True)]

    def __init__(self, before: int, rate: int) -> None:
        super().__init__()
        self._execution = execution_of(before)
        self._events = run_events(self._execution)
        self._rate = rate
        self._count = 0
        self._latest = 0.0
        """By how much the latest of the arrivals came too late."""
        self._label = Static("keys 0")
        self._entries = EntryList(empty="nothing")
        self._feeder: asyncio.Task[None] | None = None

    def get_default_screen(self) -> ThemedScreen:
        return ThemedScreen()

    def compose(self) -> ComposeResult:
        yield self._entries
        yield self._label

    def on_mount(self) -> None:
        outline = Transcript(self._execution)
        self._entries.update(outline)
        self._entries.focus()
        GcTuner(SystemClock()).begin()
        if self._rate:
            self._feeder = asyncio.create_task(self._feed(outline))
        self._label.update("ready")

    def action_count(self) -> None:
        self._count += 1
        self._label.update(f"keys {self._count}. late {self._latest * 1000:.0f} ms. ")

    async def _feed(self, outline: Outline) -> None:
        frames = FrameThrottle(self._entries.update)
        started = before = time.monotonic()
        fed = 0
        while True:
            now = time.monotonic()
            self._latest = max(self._latest, now - before - BEAT)
            before = now
            due = int((now - started) * self._rate)
            for _ in range(due - fed):
                next(self._events)
            fed = due
            frames.put(outline)
            await asyncio.sleep(BEAT)


if __name__ == "__main__":
    LiveApp(int(sys.argv[1]), int(sys.argv[2])).run()
