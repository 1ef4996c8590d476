"""Composes rows from a left and a right part."""

from __future__ import annotations

from stigmer_tui.tui.render.blocks import cut_spans
from stigmer_tui.tui.render.cells import cells
from stigmer_tui.tui.render.styled_rows import Row, Spans, StyleRole, text_of


def justified(left: Spans, right: Spans, width: int, ellipsis: str) -> Row:
    """Keeps the right part whole and cuts the left one, with at least one cell between them."""
    right = cut_spans(right, width, ellipsis)
    room = width - cells(text_of(right)) - (1 if right else 0)
    if room <= 0:
        return Row(right)
    left = cut_spans(left, room, ellipsis)
    gap = width - cells(text_of(left)) - cells(text_of(right))
    return Row((*left, (" " * gap, StyleRole.TEXT), *right))


def joined(parts: list[Spans], separator: str = " · ") -> Spans:
    """Joins non-empty parts with a muted separator."""
    spans: list[tuple[str, StyleRole]] = []
    for part in parts:
        if not text_of(part):
            continue
        if spans:
            spans.append((separator, StyleRole.MUTED))
        spans.extend(part)
    return tuple(spans)


def muted(text: str) -> Spans:
    return ((text, StyleRole.MUTED),)


def plain(text: str) -> Spans:
    return ((text, StyleRole.TEXT),)
