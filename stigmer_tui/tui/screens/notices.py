"""All notices of this session, the latest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Label, Static

from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import clean_lines
from stigmer_tui.workbench.state import Level, Notice

WORDS = {Level.INFORMATION: "", Level.WARNING: "warning", Level.ERROR: "error"}
TIME_WIDTH, WORD_WIDTH = 10, 9


class NoticesScreen(ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.NOTICES)

    def __init__(self, notices: Sequence[Notice]) -> None:
        super().__init__()
        self._notices = notices

    def compose(self) -> ComposeResult:
        with Vertical(id="notices"):
            yield Label("Notices", id="notices-title")
            with VerticalScroll(id="notices-body", can_focus=False):
                yield from (Static(notice_text(notice), classes="notice") for notice in reversed(self._notices))
                if not self._notices:
                    yield Static("No notices yet")
            yield Label(footer_text("notices.leave"), id="notices-hint")

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        self.query_one("#notices-body").scroll_relative(y=rows, animate=False)


def notice_text(notice: Notice) -> Text:
    """Time, level and text of a notice."""
    first, *others = clean_lines(notice.text)
    at = f"{notice.at.astimezone():%H:%M:%S}" if notice.at else ""
    lines = [f"{at:<{TIME_WIDTH}}{WORDS[notice.level]:<{WORD_WIDTH}}{first}"]
    lines += [f"{'':<{TIME_WIDTH + WORD_WIDTH}}{line}" for line in others if line.strip()]
    return Text("\n".join(lines))
