"""Widgets that draw styled rows (tui/render/styled_rows.py) in the colours of the theme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from stigmer_tui.tui.render.blocks import cut_spans
from stigmer_tui.tui.render.cells import cells, clean_spans
from stigmer_tui.tui.render.glyphs import UNICODE, Glyphs
from stigmer_tui.tui.render.palette import Palette, RowBackground
from stigmer_tui.tui.render.styled_rows import Row, StyleRole, text_of

ROLE_CLASSES = {role: f"role--{(role.name or '').lower().replace('_', '-')}" for role in (StyleRole.TEXT, *StyleRole)}


class ThemedScreen(Screen[None]):
    """A screen for themed widgets. Every style role is a component class of the screen, styled by the style sheet.

    They belong to the screen because every component class of a widget slows down the application of styles.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *ROLE_CLASSES.values(),
        "role--selected",
        "role--selected-blurred",
        "role--thumb",
    }


class ThemedWidget(Widget):
    def read_palette(self) -> Palette:
        background = Style(bgcolor=self.rich_style.bgcolor)
        selected = self.screen.get_component_rich_style("role--selected")
        blurred = self.screen.get_component_rich_style("role--selected-blurred")
        roles = {role: self._role_style(name) for role, name in ROLE_CLASSES.items()}
        roles[StyleRole.TEXT] = Style(color=self.rich_style.color)
        return Palette(
            roles=roles,
            backgrounds={
                RowBackground.PLAIN: background,
                RowBackground.SELECTED: Style(bgcolor=selected.bgcolor),
                RowBackground.BLURRED: Style(bgcolor=blurred.bgcolor),
            },
            bars={RowBackground.SELECTED: self._adapted(selected), RowBackground.BLURRED: self._adapted(blurred)},
            thumb=self._adapted(background + self._role_style("role--thumb")),
            adapt=self._adapted,
        )

    def _role_style(self, component: str) -> Style:
        """The component's own style without inherited parts, so that roles can be combined."""
        screen = self.screen
        says = screen.get_component_styles(component).has_rule
        whole = screen.get_component_rich_style(component)
        attributes = screen.get_component_rich_style(component, partial=True).without_color
        return attributes + Style(
            color=whole.color if says("color") else None,
            bgcolor=whole.bgcolor if says("background") else None,
        )

    def _adapted(self, style: Style) -> Style:
        """The style after the app's filters, for NO_COLOR and terminals with few colours."""
        segments = [Segment(" ", style)]
        for line_filter in self.get_line_filters():
            segments = line_filter.apply(segments, self.background_colors[1])
        return segments[0].style or Style.null()


class RowPanel(ThemedWidget):
    """Shows rows, and repaints only those that changed."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.glyphs = glyphs
        self.rows: list[Row] = []
        self._palette: Palette | None = None

    def show(self, rows: Sequence[Row]) -> None:
        before, self.rows = self.rows, list(rows)
        if len(before) != len(self.rows):
            self.refresh()
            return
        width = self.size.width
        changed = [y for y, (old, new) in enumerate(zip(before, self.rows, strict=True)) if old != new]
        if changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def background(self, y: int) -> RowBackground:
        """The background of a row."""
        return RowBackground.PLAIN

    def row(self, y: int) -> Row:
        """The row at `y`; empty below the last one."""
        return self.rows[y] if y < len(self.rows) else Row(())

    def render_line(self, y: int) -> Strip:
        if self._palette is None:
            self._palette = self.read_palette()
        width = self.size.width
        row, background = self.row(y), self.background(y)
        spans = cut_spans(clean_spans(row.spans), width, self.glyphs.ellipsis)
        segments = [Segment(text, self._palette.style(role, background)) for text, role in spans if text]
        room = width - cells(text_of(spans))
        if room > 0:
            segments.append(Segment(" " * room, self._palette.style(row.fill, background)))
        return Strip(segments, width)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._palette = None
