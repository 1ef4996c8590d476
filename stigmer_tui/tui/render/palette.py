"""Maps style roles to styles: the colours of a theme on the background of a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rich.style import Style

from stigmer_tui.tui.render.styled_rows import StyleRole


class RowBackground(StrEnum):
    """The background of a row."""

    PLAIN = "plain"
    SELECTED = "selected"
    BLURRED = "blurred"
    """Selected, but not focused."""


@dataclass(frozen=True, slots=True)
class Palette:
    roles: Mapping[StyleRole, Style]
    """The style of each single role."""
    backgrounds: Mapping[RowBackground, Style]
    bars: Mapping[RowBackground, Style]
    """The bar at the left of the selected entry."""
    thumb: Style
    adapt: Callable[[Style], Style] = field(default=lambda style: style, repr=False, compare=False)
    """Adapts a style to the colours of the terminal, once rather than in every row."""
    _styles: dict[tuple[StyleRole, RowBackground], Style] = field(default_factory=dict, repr=False, compare=False)

    def style(self, role: StyleRole, background: RowBackground) -> Style:
        """The styles of combined roles, layered."""
        style = self._styles.get((role, background))
        if style is None:
            style = self.backgrounds[background] + self.roles[StyleRole.TEXT]
            for single in role:
                style += self.roles[single]
            style = self._styles[role, background] = self.adapt(style)
        return style
