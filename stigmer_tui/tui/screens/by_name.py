"""Asks for the name or id of a resource to run, or of a run to show."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label

from stigmer_tui.tui.commands import Place, bindings, footer_text


class ByNameScreen(ModalScreen[str]):
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
