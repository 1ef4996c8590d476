"""Rows as strips: the bar of the selection on the left, the margin, the text, the scroll bar on the right."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stigmer_tui.tui.render.cells import cells
from stigmer_tui.tui.render.clean import clean_spans
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.ink import Spans, StyleRole, text_of
from stigmer_tui.tui.render.palette import Palette, RowBackground
from stigmer_tui.tui.render.pieces import cut_spans
from stigmer_tui.tui.widgets.sheet import RowLine

LEFT = 2
"""Cells of the selection bar and the space after it."""

RIGHT = 2
"""Cells of the space before the scroll bar and of the bar."""


class StripRenderer:
    def __init__(self, palette: Palette, glyphs: Glyphs, width: int) -> None:
        self.palette = palette
        self.width = width
        self._glyphs = glyphs
        self._blanks = {has_thumb: self._strip((), RowBackground.PLAIN, has_thumb) for has_thumb in (False, True)}

    def of(self, line: RowLine, ground: RowBackground, has_thumb: bool) -> Strip:
        """The strip of a row; the same object, as long as the row is the same."""
        drawn = line.view.draw(line.piece)
        key = (line.row, ground, has_thumb)
        strip = drawn.strips.get(key)
        if strip is None:
            row = drawn.rows[line.row]
            spans = (*line.view.margin(line.piece), *row.spans) if row.spans or line.piece else ()
            strip = drawn.strips[key] = self._strip(spans, ground, has_thumb, row.fill)
        return strip

    def of_text(self, text: str) -> Strip:
        """A muted line of its own."""
        return self.of_spans(((text, StyleRole.MUTED),))

    def of_spans(self, spans: Spans) -> Strip:
        return self._strip(spans, RowBackground.PLAIN, has_thumb=False)

    def blank(self, has_thumb: bool) -> Strip:
        return self._blanks[has_thumb]

    def _strip(self, spans: Spans, ground: RowBackground, has_thumb: bool, fill: StyleRole = StyleRole.TEXT) -> Strip:
        spans = clean_spans(spans)
        style = self.palette.style
        plain = style(StyleRole.TEXT, ground)
        available = max(0, self.width - LEFT - RIGHT)
        room = available - cells(text_of(spans))
        if room < 0:
            spans, room = cut_spans(spans, available, self._glyphs.ellipsis), 0
        is_selected = ground is not RowBackground.PLAIN
        parts = [
            (self._glyphs.selection, self.palette.bars[ground]) if is_selected else (" ", plain),
            (" ", plain),
            *[(text, style(ink, ground)) for text, ink in spans],
            (" " * room, style(fill, ground)),
            (" ", plain),
            (self._glyphs.thumb, self.palette.thumb)
            if has_thumb
            else (" ", style(StyleRole.TEXT, RowBackground.PLAIN)),
        ]
        if self.width < LEFT + RIGHT:
            return Strip(_joined(parts), LEFT + RIGHT).crop(0, self.width)
        return Strip(_joined(parts), self.width)


def _joined(parts: Iterable[tuple[str, Style]]) -> list[Segment]:
    """Segments, with neighbours of one style as one: a terminal is told of each style once."""
    segments: list[Segment] = []
    for text, style in parts:
        if not text:
            continue
        if segments and segments[-1].style is style:
            segments[-1] = Segment(segments[-1].text + text, style)
        else:
            segments.append(Segment(text, style))
    return segments
