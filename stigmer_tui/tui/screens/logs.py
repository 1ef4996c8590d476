"""The log of our own daemon: its processes' lines in the order of time, chosen by process, level, run and text."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.widgets import Input

from stigmer_tui.core.paths import Home
from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.log_view import LogView
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.logs import log_header
from stigmer_tui.tui.screens.full_screen import FullScreen
from stigmer_tui.tui.widgets.log_list import LogList
from stigmer_tui.workbench.daemon_logs import execution_of, watch_logs


class LogScreen(FullScreen):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.LOGS)

    AUTO_FOCUS = "#log-lines"

    class RunChosen(Message):
        def __init__(self, execution: str) -> None:
            super().__init__()
            self.execution = execution

    def __init__(self, home: Home, glyphs: Glyphs, execution: str = "") -> None:
        """`execution` is the id of the run whose lines are shown first; empty for all lines."""
        super().__init__(glyphs)
        self._home = home
        self._execution = execution
        self._view = LogView()
        self._watching: asyncio.Task[None] | None = None

    def body(self) -> ComposeResult:
        yield LogList(self._view, glyphs=self._glyphs, id="log-lines")
        yield LogSearch(placeholder="/ search", id="log-search", select_on_focus=False)

    def on_mount(self) -> None:
        self._watch()

    async def on_unmount(self) -> None:
        if self._watching:
            self._watching.cancel()
            await asyncio.wait((self._watching,))

    def on_input_changed(self, event: Input.Changed) -> None:
        self._view.search(event.value)
        self.draw()

    def on_log_list_moved(self) -> None:
        self._draw_header()

    def action_component(self) -> None:
        self._view.next_component()
        self.draw()

    def action_level(self) -> None:
        self._view.next_level()
        self.draw()

    def action_execution(self) -> None:
        """Only the lines about the run that the selected one is about; all of them again."""
        line = self._view.selected_line
        if self._execution:
            self._execution = ""
        elif line and (execution := execution_of(line)):
            self._execution = execution
        else:
            return
        self._watch()

    def action_search(self) -> None:
        self.set_focus(self.query_one(LogSearch))

    def action_open(self) -> None:
        """The run that the selected line is about."""
        line = self._view.selected_line
        if line and (execution := execution_of(line)):
            self.app.post_message(self.RunChosen(execution))
            self.dismiss(None)

    def _watch(self) -> None:
        if self._watching:
            self._watching.cancel()
        self._view.begin(self._execution)
        self.draw()
        self._watching = asyncio.create_task(self._take_lines(self._execution))

    async def _take_lines(self, execution: str) -> None:
        async with aclosing(watch_logs(self._home, execution)) as found:
            async for lines in found:
                self._view.add(lines)
                self.draw()

    def draw(self) -> None:
        self.query_one(LogList).draw()
        self._draw_header()

    def _draw_header(self) -> None:
        self.show_header(log_header(self._view, self.size.width, self._glyphs.ellipsis))


class LogSearch(Input):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.LOG_SEARCH)

    def action_to_lines(self) -> None:
        self.screen.query_one(LogList).focus()

    def action_clear(self) -> None:
        self.value = ""
        self.screen.query_one(LogList).focus()
