"""Asks before quitting while runs are unfinished. The safe choice has the focus."""

from __future__ import annotations

from enum import Enum, auto
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Label, OptionList
from textual.widgets.option_list import Option

from stigmer_tui.core.units import plural
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import one_line


class Leaving(Enum):
    KEEP_RUNNING = auto()
    CANCEL_RUNS = auto()
    STAY = auto()


class QuitDialog(ModalScreen[Leaving]):
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
