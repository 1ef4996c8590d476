"""The line between regions, with a joint where another one meets it."""

from __future__ import annotations

from textual.widget import Widget

from stigmer_tui.tui.render.ink import Ink, Row
from stigmer_tui.tui.widgets.inked import RowPanel

JOINTS = {"top-rule": "┬", "bottom-rule": "┴"}


class Rule(RowPanel):
    def row(self, y: int) -> Row:
        glyph = self.glyphs.rule
        joint = JOINTS.get(self.id or "", glyph) if glyph == "─" else glyph
        columns = {column for region in self._neighbours() for column in _edges(region)}
        text = "".join(joint if column in columns else glyph for column in range(self.size.width))
        return Row(((text, Ink.RULE),))

    def _neighbours(self) -> list[Widget]:
        return [
            widget for widget in self.screen.query("#picker-region, #sidebar") if widget.display and widget.region.width
        ]


def _edges(widget: Widget) -> list[int]:
    """Columns in which a widget draws a line down."""
    region = widget.region
    border = widget.styles.border
    columns = []
    if border.left[0]:
        columns.append(region.x)
    if border.right[0]:
        columns.append(region.right - 1)
    return columns
