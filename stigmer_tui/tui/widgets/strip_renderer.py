"""Renders rows as strips with selection bar and scroll bar; and text selected with the mouse."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from stigmer_tui.tui.render.blocks import cut_spans
from stigmer_tui.tui.render.cells import cells, clean_spans
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.palette import Palette, RowBackground
from stigmer_tui.tui.render.styled_rows import Spans, StyleRole, text_of
from stigmer_tui.tui.widgets.virtual_rows import RowLine

LEFT = 2
"""Cells of the selection bar and the margin."""

RIGHT = 2
"""Cells of the margin and the scroll bar."""


class StripRenderer:
    def __init__(self, palette: Palette, glyphs: Glyphs, width: int) -> None:
        self.palette = palette
        self.width = width
        self._glyphs = glyphs
        self._blanks = {has_thumb: self._strip((), RowBackground.PLAIN, has_thumb) for has_thumb in (False, True)}

    def of(self, line: RowLine, background: RowBackground, has_thumb: bool) -> Strip:
        """The strip of a row, cached with the row."""
        drawn = line.view.draw(line.piece)
        key = (line.row, background, has_thumb)
        strip = drawn.strips.get(key)
        if strip is None:
            row = drawn.rows[line.row]
            spans = (*line.view.margin(line.piece), *row.spans) if row.spans or line.piece else ()
            strip = drawn.strips[key] = self._strip(spans, background, has_thumb, row.fill)
        return strip

    def of_text(self, text: str) -> Strip:
        """The strip of a muted text."""
        return self.of_spans(((text, StyleRole.MUTED),))

    def of_spans(self, spans: Spans) -> Strip:
        return self._strip(spans, RowBackground.PLAIN, has_thumb=False)

    def blank(self, has_thumb: bool) -> Strip:
        return self._blanks[has_thumb]

    def _strip(
        self, spans: Spans, background: RowBackground, has_thumb: bool, fill: StyleRole = StyleRole.TEXT
    ) -> Strip:
        spans = clean_spans(spans)
        style = self.palette.style
        plain = style(StyleRole.TEXT, background)
        available = max(0, self.width - LEFT - RIGHT)
        room = available - cells(text_of(spans))
        if room < 0:
            spans, room = cut_spans(spans, available, self._glyphs.ellipsis), 0
        is_selected = background is not RowBackground.PLAIN
        parts = [
            (self._glyphs.selection, self.palette.bars[background]) if is_selected else (" ", plain),
            (" ", plain),
            *[(text, style(role, background)) for text, role in spans],
            (" " * room, style(fill, background)),
            (" ", plain),
            (self._glyphs.thumb, self.palette.thumb)
            if has_thumb
            else (" ", style(StyleRole.TEXT, RowBackground.PLAIN)),
        ]
        if self.width < LEFT + RIGHT:
            return Strip(_joined(parts), LEFT + RIGHT).crop(0, self.width)
        return Strip(_joined(parts), self.width)


def _joined(parts: Iterable[tuple[str, Style]]) -> list[Segment]:
    """Segments with equal neighbours merged, which saves output."""
    segments: list[Segment] = []
    for text, style in parts:
        if not text:
            continue
        if segments and segments[-1].style is style:
            segments[-1] = Segment(segments[-1].text + text, style)
        else:
            segments.append(Segment(text, style))
    return segments


def highlighted(strip: Strip, row: int, selection: Selection, style: Style) -> Strip:
    """The strip with its selected part highlighted."""
    span = selection.get_span(row)
    if span is None:
        return strip
    text = strip.text
    start, end = (_cells_to(text, place) for place in span)
    start, end = max(start, LEFT), min(end, strip.cell_length - RIGHT)
    if start >= end:
        return strip
    marked = Strip(Segment.apply_style(strip.crop(start, end), post_style=style), end - start)
    return Strip.join([strip.crop(0, start), marked, strip.crop(end)])


def selected_text(lines: list[RowLine], selection: Selection) -> str:
    """The selected text without margins."""
    rows = []
    for number, line in enumerate(lines):
        span = selection.get_span(number)
        if span is not None:
            margin = LEFT + len(text_of(line.view.margin(line.piece)))
            text = line.view.draw(line.piece).rows[line.row].text
            start, end = (max(0, place - margin) if place >= 0 else len(text) for place in span)
            rows.append(text[start:end].rstrip())
    return "\n".join(rows)


def _cells_to(text: str, place: int) -> int:
    """The cells before a character; of the whole text for -1."""
    return cells(text if place < 0 else text[:place])
