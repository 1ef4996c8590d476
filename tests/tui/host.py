"""The smallest app around the list of entries."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType

from stigmer_tui.tui.render.glyphs import UNICODE, Glyphs
from stigmer_tui.tui.widgets.entry_list import EntryList
from stigmer_tui.tui.widgets.themed_widget import ThemedScreen
from stigmer_tui.workbench.outline import Outline
from tests.tui.samples import at

STYLES = Path(__file__).parents[2] / "styles" / "roles.tcss"


class FixedClock:
    """Stands still until it is told otherwise."""

    def __init__(self, now: datetime | None = None) -> None:
        self.time = now or at(4.2)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Host(App[None]):
    CSS_PATH = STYLES
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [("q", "quit", "quit")]

    def __init__(self, outline: Outline, glyphs: Glyphs = UNICODE, theme: str = "textual-dark") -> None:
        super().__init__()
        self.clock = FixedClock()
        self.entries = EntryList(clock=self.clock, glyphs=glyphs, empty="Nothing has happened yet: enter runs tally.")
        self.copied: list[str] = []
        self.theme = theme
        self.outline = outline

    def get_default_screen(self) -> ThemedScreen:
        return ThemedScreen()

    def compose(self) -> ComposeResult:
        yield self.entries

    def on_mount(self) -> None:
        self.entries.update(self.outline)
        self.entries.focus()

    def on_entry_list_copy_requested(self, message: EntryList.CopyRequested) -> None:
        self.copied.append(message.text)
