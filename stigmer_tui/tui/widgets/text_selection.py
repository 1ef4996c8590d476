"""Text selected with the mouse: how it looks, and what of it is copied."""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from stigmer_tui.tui.render.cells import cells
from stigmer_tui.tui.render.ink import text_of
from stigmer_tui.tui.widgets.sheet import RowLine
from stigmer_tui.tui.widgets.strips import LEFT, RIGHT


def highlighted(strip: Strip, row: int, selection: Selection, style: Style) -> Strip:
    """A row with that part of it marked that is selected."""
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
    """What is selected, without the signs around it."""
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
    """The cells before a character; before the end, for -1."""
    return cells(text if place < 0 else text[:place])
