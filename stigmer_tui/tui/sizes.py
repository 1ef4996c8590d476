"""The layout of the screen in cells, shared by the style sheets and the skeleton."""

from __future__ import annotations

MEDIUM, WIDE = 100, 140
"""Minimum columns for picker and pane, and for all three regions."""

MIN_SIZE = (40, 12)

PICKER_WIDTH, SIDEBAR_WIDTH = 29, 32
"""Including the rule beside them."""


def size_class(width: int) -> str:
    """The class of the screen at this width."""
    return "-wide" if width >= WIDE else "-medium" if width >= MEDIUM else "-narrow"
