"""What stands below the entries while a tool call waits for approval."""

from __future__ import annotations

from collections.abc import Sequence

from stigmer_tui.core.units import plural
from stigmer_tui.tui.commands import BY_ID
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.render.entry_heading import arguments_line
from stigmer_tui.tui.render.glyphs import STATE_ROLES, Glyphs
from stigmer_tui.tui.render.layout import justified, muted
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Span, Spans, StyleRole
from stigmer_tui.workbench.approvals import WaitingCall
from stigmer_tui.workbench.model import RunState

CHOICES = ("pane.allow", "pane.allow_tool", "pane.change_arguments", "pane.deny")


def approval_rows(waiting: Sequence[WaitingCall], width: int, glyphs: Glyphs) -> list[Row]:
    """Of the first call that waits, and how many others do."""
    call, role = waiting[0].call, STATE_ROLES[RunState.WAITING]
    left: Spans = (
        (f"{glyphs.states[RunState.WAITING]} ", role),
        (f"{one_line(call.name)}  ", StyleRole.STRONG),
        (arguments_line(call), StyleRole.TEXT),
    )
    others = f", and {plural(len(waiting) - 1, 'other call')} after it" if len(waiting) > 1 else ""
    return [EMPTY_ROW, justified(left, ((f"wants to run{others}", role),), width, glyphs.ellipsis), Row(_keys())]


def _keys() -> Spans:
    spans: list[Span] = []
    for command in map(BY_ID.__getitem__, CHOICES):
        spans += [(f"  {command.key_names[0]} ", StyleRole.STRONG), *muted(f"{command.title.lower()} ")]
    return tuple(spans)
