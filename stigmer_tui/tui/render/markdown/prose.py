"""Paragraphs, headings, list items and quotations, each parsed by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from stigmer_tui.tui.render.blocks import Format, LineBlock, indented
from stigmer_tui.tui.render.cells import cells, clean, wrap
from stigmer_tui.tui.render.code import Code
from stigmer_tui.tui.render.markdown.inline import inline
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Spans, StyleRole

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Prose:
    lines: tuple[str, ...] = ()
    """Markdown, without the indentation of the list that it may stand in."""
    indent: int = 0
    """Cells on the left, marker included."""
    marker: str = ""
    """Of the list item that begins here: `-`, `3.`."""
    is_stretch: bool = False
    """Whether it goes on in the middle of a paragraph, so that its beginning means nothing but text."""
    has_gap: bool = False

    @property
    def length(self) -> int:
        return sum(map(len, self.lines))

    def rows(self, form: Format) -> list[Row]:
        inner = form.narrowed(self.indent)
        rows = self._text_rows(inner)
        if not self.indent:
            return rows
        margin: Spans = ((" " * self.indent, StyleRole.TEXT),)
        if not self.marker:
            return indented(rows, margin, margin)
        return indented(rows or [EMPTY_ROW], _hanging(self.marker, self.indent, form), margin)

    def _text_rows(self, form: Format) -> list[Row]:
        source = "\n".join(self.lines)
        if self.is_stretch or all(line[:1].isalpha() for line in self.lines):
            # Certainly a paragraph.
            return _rows_of(inline(source), form)
        return _Drawing(_parser().parse(source)).blocks(form)

    def guess(self, width: int) -> int:
        return sum(1 + len(line) // max(1, width - self.indent) for line in self.lines)


class _Drawing:
    """Draws the tokens of a parsed text."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = iter(tokens)

    def blocks(self, form: Format, end: str = "") -> list[Row]:
        """Rows of the blocks up to the token that ends them."""
        rows: list[Row] = []
        bottom = 0
        for token in self._tokens:
            if token.type == end:
                break
            if token.map and token.type != "inline":
                if rows and token.map[0] > bottom:
                    rows.append(EMPTY_ROW)
                bottom = token.map[1]
            rows += self._block(token, form)
        return rows

    def _block(self, token: Token, form: Format) -> list[Row]:
        match token.type:
            case "inline":
                return _rows_of(inline(token.content), form)
            case "heading_open":
                role = StyleRole.STRONG | StyleRole.HEADING if token.tag in ("h1", "h2") else StyleRole.STRONG
                return _rows_of(inline(next(self._tokens).content, role), form)
            case "blockquote_open":
                bar: Spans = ((f"{form.glyphs.quote} ", StyleRole.MUTED),)
                return indented(self.blocks(form.narrowed(2), "blockquote_close"), bar, bar)
            case "list_item_open":
                marker = f"{token.info}." if token.info else "-"
                indent = len(marker) + 1
                rows = self.blocks(form.narrowed(indent), "list_item_close")
                return indented(rows or [EMPTY_ROW], _hanging(marker, indent, form), ((" " * indent, StyleRole.TEXT),))
            case "fence" | "code_block":
                return Code(token.info.strip().partition(" ")[0], _lines_of(token)).rows(form)
            case "html_block":
                return LineBlock(_lines_of(token), StyleRole.MUTED).rows(form)
            case "hr":
                return [Row(((form.glyphs.rule * form.width, StyleRole.MUTED),))]
            case _:
                return []


def _rows_of(lines: list[Spans], form: Format) -> list[Row]:
    return [Row(spans) for line in lines for spans in wrap(line, form.width)]


def _lines_of(token: Token) -> tuple[str, ...]:
    return tuple(map(clean, token.content.rstrip("\n").split("\n")))


def _hanging(marker: str, indent: int, form: Format) -> Spans:
    sign = form.glyphs.bullet if marker in ("-", "*", "+") else marker
    return ((" " * (indent - cells(sign) - 1) + f"{sign} ", StyleRole.MUTED),)


@cache
def _parser() -> MarkdownIt:
    """A parser for block structure; inline markup is parsed by `inline`."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["inline", "text_join"])
