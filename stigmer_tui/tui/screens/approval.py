"""Dialogs about a tool call that waits for approval: other arguments for it, and why it is denied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input, Label

from stigmer_tui.core.json_values import from_json
from stigmer_tui.tui.commands import Place, bindings, footer_text
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.screens.dismissal import Modal
from stigmer_tui.tui.widgets.message_area import MessageArea
from stigmer_tui.workbench.approvals import Allow, Deny, WaitingCall


class DenyDialog(Modal[Deny | None]):
    """Returns the denial; None if the person has left the dialog."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.APPROVAL)

    def __init__(self, waiting: WaitingCall) -> None:
        super().__init__()
        self._tool = waiting.call.name

    def compose(self) -> ComposeResult:
        with Vertical(id="approval-dialog"):
            yield Label(f"Deny {one_line(self._tool)}", id="approval-title", markup=False)
            reason = Input(placeholder="why, for the agent; may be empty", id="reason")
            reason.cursor_blink = False
            yield reason
            yield Label(footer_text("approval.send", "approval.leave"), id="approval-keys")

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    def on_input_submitted(self) -> None:
        self.action_send()

    def action_send(self) -> None:
        self.dismiss(Deny(self.query_one(Input).value.strip()))

    def action_leave(self) -> None:
        self.dismiss(None)


class ArgumentsDialog(Modal[Allow | None]):
    """Returns the call with other arguments; None if the person has left the dialog."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Place.APPROVAL)

    def __init__(self, waiting: WaitingCall) -> None:
        super().__init__()
        self._tool = waiting.call.name
        arguments: Mapping[str, Any] = waiting.call.input or {}
        self._text = MessageArea(json.dumps(dict(arguments), ensure_ascii=False, indent=2), id="arguments")
        self._problem = Label("", id="approval-problem", markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(id="approval-dialog"):
            yield Label(f"Arguments of {one_line(self._tool)}", id="approval-title", markup=False)
            yield self._text
            yield self._problem
            yield Label(footer_text("approval.send", "form.new_line", "approval.leave"), id="approval-keys")

    def on_mount(self) -> None:
        self._text.focus()

    def on_message_area_entered(self) -> None:
        self.action_send()

    def action_send(self) -> None:
        try:
            arguments = from_json(self._text.text)
        except ValueError as error:
            self._problem.update(f"This is not JSON: {error}")
            return
        if isinstance(arguments, dict):
            self.dismiss(Allow(arguments))
        else:
            self._problem.update("This is not a JSON object")

    def action_leave(self) -> None:
        self.dismiss(None)
