"""The help: every key and what it does, with a filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Input, Label, Static

from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.screens.dismissal import Modal


@dataclass(frozen=True, slots=True)
class KeyHelp:
    group: str
    keys: str
    text: str


class HelpScreen(Modal[None]):
    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.HELP)

    def __init__(self, entries: Sequence[KeyHelp]) -> None:
        super().__init__()
        self._entries = entries

    def compose(self) -> ComposeResult:
        with Vertical(id="help"):
            pattern = Input(placeholder="type to filter", id="help-filter")
            pattern.cursor_blink = False
            yield pattern
            with VerticalScroll(id="help-body", can_focus=False):
                yield Static(id="help-keys", markup=False)
            yield Label(footer_text("help.leave"), id="help-hint")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._show(event.value)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_scroll(self, rows: int) -> None:
        self.query_one("#help-body").scroll_relative(y=rows, animate=False)

    def _show(self, pattern: str) -> None:
        words = pattern.lower().split()
        lines: list[str] = []
        group = ""
        for entry in self._entries:
            if not all(word in f"{entry.group} {entry.keys} {entry.text}".lower() for word in words):
                continue
            if entry.group != group:
                group = entry.group
                lines += ["", group] if lines else [group]
            lines.append(f"  {entry.keys:<18}{entry.text}")
        self.query_one("#help-keys", Static).update("\n".join(lines) or "No matching key")
