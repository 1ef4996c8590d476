"""The rule between regions, with joints."""

from __future__ import annotations

from collections.abc import Set

from stigmer_tui.tui.render.styled_rows import Row, StyleRole
from stigmer_tui.tui.widgets.themed_widget import RowPanel

JOINTS = {"top-rule": "┬", "bottom-rule": "┴"}


class Rule(RowPanel):
    def draw(self, width: int, columns: Set[int]) -> None:
        """`columns` are those of the joints."""
        glyph = self.glyphs.rule
        joint = JOINTS.get(self.id or "", glyph) if glyph == "─" else glyph
        text = "".join(joint if column in columns else glyph for column in range(width))
        self.show([Row(((text, StyleRole.RULE),))])
