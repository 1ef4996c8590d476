"""Fields in which tab completes what is written, where it would otherwise leave them."""

from __future__ import annotations

from textual.widget import Widget


class CompletedField:
    @property
    def can_complete(self) -> bool:
        """Whether there is something that could be completed now."""
        raise NotImplementedError


def is_completed(focused: Widget | None) -> bool:
    """Whether tab belongs to what has the focus."""
    field: object = focused
    return isinstance(field, CompletedField) and field.can_complete
