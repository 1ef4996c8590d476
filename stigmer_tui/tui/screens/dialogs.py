"""Small dialogs: run by name, quit, and the list of notices."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from stigmer_tui.core.units import plural
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import clean_lines, one_line
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.workbench.state import Level, Notice


class ByNameScreen(Modal[str]):
    """Returns the text; empty if cancelled."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.BY_NAME)

    def compose(self) -> ComposeResult:
        with Vertical(id="by-name"):
            yield Label("Run by name or id", id="by-name-title")
            reference = Input(placeholder="of an agent, a workflow, or a run to show", id="reference")
            reference.cursor_blink = False
            yield reference
            yield Label(footer_text("by_name.run", "by_name.leave"), id="by-name-keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())

    def action_run(self) -> None:
        self.dismiss(self.query_one(Input).value.strip())

    def action_leave(self) -> None:
        self.dismiss("")


class Leaving(Enum):
    KEEP_RUNNING = auto()
    CANCEL_RUNS = auto()
    STAY = auto()


class QuitDialog(Modal[Leaving]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.QUIT)

    def __init__(self, names: list[str], can_cancel: bool = True) -> None:
        """`can_cancel`: whether the server supports it."""
        super().__init__()
        self._names = names
        self._can_cancel = can_cancel

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            names = ", ".join(map(one_line, self._names))
            yield Label(f"{plural(len(self._names), 'run')} in progress: {names}", id="dialog-text", markup=False)
            them = "them" if len(self._names) > 1 else "it"
            options = [
                Option(f"Quit and keep {them} running", id=Leaving.KEEP_RUNNING.name),
                Option(f"Cancel {them} and quit", id=Leaving.CANCEL_RUNS.name),
                Option("Stay", id=Leaving.STAY.name),
            ]
            if not self._can_cancel:
                options[:2] = [Option("Quit (this server cannot cancel runs)", id=Leaving.KEEP_RUNNING.name)]
            yield OptionList(*options)
            yield Label(footer_text("quit.choose", "quit.leave", "quit.stay"), id="dialog-keys")

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(Leaving[event.option.id or Leaving.STAY.name])

    def action_choose(self) -> None:
        self.query_one(OptionList).action_select()

    def action_leave(self) -> None:
        self.dismiss(Leaving.KEEP_RUNNING)

    def action_stay(self) -> None:
        self.dismiss(Leaving.STAY)

    def action_move(self, step: int) -> None:
        options = self.query_one(OptionList)
        if step > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()


WORDS = {Level.INFORMATION: "", Level.WARNING: "warning", Level.ERROR: "error"}
TIME_WIDTH, WORD_WIDTH = 10, 9


class NoticesScreen(Modal[None]):
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
