"""Rows as text, for golden tests: what a person reads, without colours."""

from __future__ import annotations

from collections.abc import Iterable

from stigmer_tui.tui.render.blocks import Block, Format, draw
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.markdown.splitter import Splitter
from stigmer_tui.tui.render.styled_rows import Row, text_of
from stigmer_tui.tui.widgets.viewport import Viewport


def text(rows: Iterable[Row]) -> str:
    return "\n".join(row.text.rstrip() for row in rows)


def drawn(pieces: Iterable[Block], width: int = 60) -> list[Row]:
    return [row for piece in pieces for row in draw(piece, Format(width, UNICODE))]


def pieces_of(source: str, is_growing: bool = False) -> list[Block]:
    splitter = Splitter()
    splitter.extend(source)
    return [*splitter.closed, *splitter.open(is_growing)]


def markdown(source: str, width: int = 60, is_growing: bool = False) -> str:
    return text(drawn(pieces_of(source, is_growing), width))


def window_text(window: Viewport) -> str:
    """The rows of a window with their margins."""
    rows = []
    for line in window.lines:
        row = line.view.draw(line.piece).rows[line.row]
        margin = "" if line.is_gap else text_of(line.view.margin(line.piece))
        rows.append(f"{margin}{row.text}".rstrip())
    return "\n".join(rows)
