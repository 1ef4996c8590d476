"""Screens that leave once. A second enter or escape may come before the first has been carried out; in the framework
it would take away the screen below, or end the app where there is none.
"""

from __future__ import annotations

from typing import ClassVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.screen import ModalScreen, ScreenResultType

from stigmer_tui.tui.commands import Place, bindings
from stigmer_tui.tui.widgets.completed_field import takes_tab


class Modal(ModalScreen[ScreenResultType]):
    """A screen above the others, for a question or for something to read."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.FIELDS)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "next_field" or not takes_tab(self.focused)

    def action_next_field(self) -> None:
        self.focus_next()

    def action_previous_field(self) -> None:
        self.focus_previous()

    def dismiss(self, result: ScreenResultType | None = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Palette(CommandPalette):
    """The palette of the framework."""

    def dismiss(self, result: None = None) -> AwaitComplete:
        return super().dismiss(result) if self.is_active else AwaitComplete()
