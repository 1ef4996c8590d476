"""A terminal's screen as a picture: an SVG that looks the same wherever it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape

import pyte
from pyte.screens import Char

CELL_WIDTH, CELL_HEIGHT = 8.4, 18
BASELINE = 13.5
MARGIN = 12

FOREGROUND, BACKGROUND = "#d8dee9", "#101318"
NAMED = {
    "black": "#101318",
    "red": "#e06c75",
    "green": "#98c379",
    "brown": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#d8dee9",
    "brightblack": "#7f848e",
}
"""The sixteen colours, where a program leaves the choice to the terminal; bright ones as their names say."""

FONTS = "ui-monospace, 'JetBrains Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace"


@dataclass(frozen=True, slots=True)
class Style:
    foreground: str
    background: str
    bold: bool
    italic: bool
    underlined: bool
    struck: bool


def draw(screen: pyte.Screen, title: str) -> str:
    """The screen as it is now; `title` is what a picture is called for those who cannot see it."""
    width = screen.columns * CELL_WIDTH + 2 * MARGIN
    height = screen.lines * CELL_HEIGHT + 2 * MARGIN
    size = f'width="{width:g}" height="{height}" viewBox="0 0 {width:g} {height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{_style(screen.buffer[0][0]).background}"/>',
        f'<g font-family="{FONTS}" font-size="14" xml:space="preserve">',
    ]
    for row in range(screen.lines):
        lines += _row(screen, row)
    return "\n".join([*lines, "</g>", "</svg>", ""])


def _row(screen: pyte.Screen, row: int) -> Iterator[str]:
    cells = [(column, screen.buffer[row][column]) for column in range(screen.columns)]
    top = MARGIN + row * CELL_HEIGHT
    for style, group in groupby(cells, lambda cell: _style(cell[1])):
        run = list(group)
        left, width = MARGIN + run[0][0] * CELL_WIDTH, len(run) * CELL_WIDTH
        if style.background != BACKGROUND:
            # A hair wider and higher, so that no gap is seen between two of one colour.
            size = f'width="{width + 0.3:.1f}" height="{CELL_HEIGHT + 0.3}"'
            yield f'<rect x="{left:.1f}" y="{top}" {size} fill="{style.background}"/>'
        # Words by themselves, and signs that fonts draw as wide as they like: everything stands in its cells.
        for start, text, columns in _words([cell.data for _, cell in run]):
            yield _text(text, left + start * CELL_WIDTH, columns * CELL_WIDTH, top + BASELINE, style)


def _words(cells: Sequence[str]) -> Iterator[tuple[int, str, int]]:
    """Where a word begins, its text, and how many cells it takes; the second cell of a wide sign is empty."""
    for is_blank, group in groupby(enumerate(cells), lambda cell: cell[1] == " "):
        word = list(group)
        if not is_blank:
            yield word[0][0], "".join(text for _, text in word), len(word)


def _text(text: str, left: float, width: float, baseline: float, style: Style) -> str:
    attributes = f'x="{left:.1f}" y="{baseline:.1f}" fill="{style.foreground}"'
    attributes += f' textLength="{width:.1f}" lengthAdjust="spacingAndGlyphs"'
    if style.bold:
        attributes += ' font-weight="bold"'
    if style.italic:
        attributes += ' font-style="italic"'
    if style.underlined or style.struck:
        attributes += f' text-decoration="{"underline" if style.underlined else "line-through"}"'
    return f"<text {attributes}>{escape(text)}</text>"


def _style(cell: Char) -> Style:
    foreground, background = _colour(cell.fg, FOREGROUND), _colour(cell.bg, BACKGROUND)
    if cell.reverse:
        foreground, background = background, foreground
    return Style(foreground, background, cell.bold, cell.italics, cell.underscore, cell.strikethrough)


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    if name in NAMED:
        return NAMED[name]
    if name.startswith("bright"):
        return NAMED.get(name.removeprefix("bright"), default)
    return f"#{name}"
