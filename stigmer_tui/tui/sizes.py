"""How the screen is divided, in cells; the style sheets and the skeleton before the first paint keep to it."""

from __future__ import annotations

MEDIUM, WIDE = 100, 140
"""Columns from which on there is room for picker and pane, and for the sidebar beside them."""

MIN_SIZE = (40, 12)

PICKER_WIDTH, SIDEBAR_WIDTH = 29, 32
"""With the line beside them."""


def size_class(width: int) -> str:
    """The class of the screen at this width."""
    return "-wide" if width >= WIDE else "-medium" if width >= MEDIUM else "-narrow"
