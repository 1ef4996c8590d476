"""Highlights source code: maps the tokens of Pygments to our style roles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from stigmer_tui.tui.render.blocks import Format, indented
from stigmer_tui.tui.render.cells import wrap
from stigmer_tui.tui.render.styled_rows import Row, Span, Spans, StyleRole

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

MAX_LINE_LENGTH = 1000
"""Characters. Longer lines are probably data and are not highlighted."""

_ROLES = {
    "Comment": StyleRole.COMMENT,
    "Keyword": StyleRole.KEYWORD,
    "Literal.Number": StyleRole.NUMBER,
    "Literal.String": StyleRole.TEXT_VALUE,
    "Literal.Date": StyleRole.TEXT_VALUE,
    "Name.Attribute": StyleRole.NAME,
    "Name.Builtin": StyleRole.NAME,
    "Name.Class": StyleRole.NAME,
    "Name.Decorator": StyleRole.NAME,
    "Name.Exception": StyleRole.NAME,
    "Name.Function": StyleRole.NAME,
    "Name.Tag": StyleRole.KEYWORD,
    "Operator.Word": StyleRole.KEYWORD,
    "Generic.Deleted": StyleRole.FAILED,
    "Generic.Heading": StyleRole.STRONG,
    "Generic.Inserted": StyleRole.COMPLETED,
    "Generic.Subheading": StyleRole.MUTED,
}


@dataclass(frozen=True, slots=True)
class Code:
    """Lines of code in one language, with a background."""

    language: str
    lines: tuple[str, ...]
    indent: int = 0
    has_gap: bool = False
    is_open: bool = False
    """Whether more lines may come."""

    def rows(self, form: Format) -> list[Row]:
        colour = coloured_one_by_one if self.is_open else coloured
        inner = form.narrowed(self.indent + 2)
        rows = []
        for line in colour(self.language, self.lines):
            shaded = tuple((text, role | StyleRole.CODE_BLOCK) for text, role in line)
            rows += [Row(spans, StyleRole.CODE_BLOCK) for spans in wrap(shaded, inner.width)]
        margin = ((" " * self.indent, StyleRole.TEXT), (" ", StyleRole.CODE_BLOCK))
        return indented(rows, margin, margin)

    def guess(self, width: int) -> int:
        return len(self.lines)


def coloured(language: str, lines: Sequence[str]) -> list[Spans]:
    """Highlights lines; plain if the language is unknown."""
    return _run(language, tuple(lines)).lines


def coloured_one_by_one(language: str, lines: Sequence[str]) -> list[Spans]:
    """Like `coloured`, but caches each line, for text that is drawn again and again while it grows.

    Lines are highlighted together while a string or a comment spans them.
    """
    rows: list[Spans] = []
    start = 0
    for end in range(1, len(lines) + 1):
        run = _run(language, tuple(lines[start:end]))
        rows[start:] = run.lines
        if run.is_whole:
            start = end
    return rows


class _Run(NamedTuple):
    lines: list[Spans]
    is_whole: bool
    """Whether it ends outside of strings and comments."""


@lru_cache(maxsize=256)
def _run(language: str, lines: tuple[str, ...]) -> _Run:
    lexer = _lexer(language)
    if lexer is not None and lines and all(len(line) <= MAX_LINE_LENGTH for line in lines):
        spans = [(value, _role(token)) for token, value in lexer.get_tokens("\n".join((*lines, "")))]
        rows = _lines_of(spans)[: len(lines)]
        if len(rows) == len(lines):
            return _Run(rows, is_whole=spans[-1][1] not in (StyleRole.TEXT_VALUE, StyleRole.COMMENT))
    return _Run([((line, StyleRole.TEXT),) for line in lines], is_whole=True)


def _lines_of(spans: Iterable[Span]) -> list[Spans]:
    """Spans cut at the ends of lines."""
    lines: list[list[Span]] = [[]]
    for text, role in spans:
        first, *others = text.split("\n")
        if first:
            lines[-1].append((first, role))
        lines += [[(other, role)] if other else [] for other in others]
    return [tuple(line) for line in lines]


@lru_cache(maxsize=256)
def _role(token: _TokenType) -> StyleRole:
    """The style role of a token type or of its nearest ancestor."""
    names = list(token)
    while names:
        if (role := _ROLES.get(".".join(names))) is not None:
            return role
        names.pop()
    return StyleRole.TEXT


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language:
        return None
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
