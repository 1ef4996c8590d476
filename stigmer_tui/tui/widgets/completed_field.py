"""Fields in which tab completes what is written, where there is something to complete."""

from __future__ import annotations

from textual.widget import Widget


class CompletedField:
    takes_tab = False
    """Whether tab waits its turn behind what was typed before it: only then is known what it means."""


def takes_tab(focused: Widget | None) -> bool:
    """Whether tab is to be left to what has the focus."""
    field: object = focused
    return isinstance(field, CompletedField) and field.takes_tab
