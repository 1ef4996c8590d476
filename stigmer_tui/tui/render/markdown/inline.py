"""Inline Markdown: emphasis, code, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from stigmer_tui.tui.render.cells import clean
from stigmer_tui.tui.render.styled_rows import Span, Spans, StyleRole

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_MARKUP = re.compile(r"[\\`*_\[\]<>&!~\n]")

_SENTENCE_END = re.compile(r"[.!?:;]['\")”’]?(?: (?=\S)| *\n(?=.))|[。！？](?=\S)")

_ROLES = {
    "strong_open": StyleRole.STRONG,
    "em_open": StyleRole.EMPHASIS,
    "s_open": StyleRole.STRUCK,
    "link_open": StyleRole.LINK,
}


def inline(source: str, role: StyleRole = StyleRole.TEXT) -> list[Spans]:
    """The spans of a text, one line per hard break; `role` is their base style."""
    if not _MARKUP.search(source):
        return [((source, role),)]
    lines: list[list[Span]] = [[]]
    for sentence in _sentences(source):
        first, *others = _parsed(sentence)
        lines[-1] += first
        lines += map(list, others)
    return [tuple((text, own | role) for text, own in line) if role else tuple(line) for line in lines]


def is_whole(text: str) -> bool:
    """Whether all inline markup is closed within the text, so that it can be parsed alone."""
    if not _MARKUP.search(text):
        return True
    is_open = any(text.count(mark) % 2 for mark in ("`", "``", "*", "**", "_", "__", "~~"))
    return not is_open and all(text.count(opening) == text.count(closing) for opening, closing in ("[]", "()", "<>"))


def _sentences(source: str) -> Iterator[str]:
    """Independently parsed parts: while a paragraph grows, only the last one is parsed again."""
    start = 0
    for match in _SENTENCE_END.finditer(source):
        if is_whole(source[start : match.end()]):
            yield source[start : match.end()]
            start = match.end()
    yield source[start:]


@lru_cache(maxsize=1024)
def _parsed(source: str) -> tuple[Spans, ...]:
    lines: list[list[Span]] = [[]]
    roles = [StyleRole.TEXT]
    targets: list[str] = []
    (root,) = _parser().parseInline(source)
    for token in root.children or ():
        match token.type:
            case "softbreak":
                lines[-1].append((" ", roles[-1]))
            case "hardbreak":
                lines.append([])
            case "code_inline":
                lines[-1].append((clean(token.content), roles[-1] | StyleRole.CODE))
            case "image":
                lines[-1].append((clean(token.content) or "image", roles[-1] | StyleRole.LINK))
                lines[-1].append((f" ({_target(token, 'src')})", StyleRole.MUTED))
            case "link_open":
                targets.append(_target(token, "href"))
                roles.append(roles[-1] | StyleRole.LINK)
            case "link_close":
                roles.pop()
                target = targets.pop()
                if target not in "".join(text for text, _ in lines[-1]):
                    lines[-1].append((f" ({target})", StyleRole.MUTED))
            case opening if opening in _ROLES:
                roles.append(roles[-1] | _ROLES[opening])
            case closing if closing.endswith("_close"):
                roles.pop()
            case _:
                if token.content:
                    lines[-1].append((clean(token.content), roles[-1]))
    return tuple(tuple(line) for line in lines)


def _target(token: Token, attribute: str) -> str:
    return clean(str(token.attrs.get(attribute, "")))


@cache
def _parser() -> MarkdownIt:
    # Imported lazily: it takes longer than a frame.
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("strikethrough")
