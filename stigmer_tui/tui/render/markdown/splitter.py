"""Cuts a Markdown text that grows into pieces."""

from __future__ import annotations

import re

from stigmer_tui.tui.render.blocks import Block
from stigmer_tui.tui.render.cells import clean
from stigmer_tui.tui.render.markdown.inline import is_whole
from stigmer_tui.tui.render.markdown.reader import MAX_PROSE_LENGTH, Reader

_SENTENCE_END = re.compile(r"[.!?:;]['\")”’]? |[。！？]")


class Splitter:
    """`extend` with what comes, in parts of any size: the pieces are the same, however it was parted."""

    def __init__(self) -> None:
        self._reader = Reader()
        self._partial = ""
        """The last line, as long as it has no end."""

    @property
    def closed(self) -> list[Block]:
        """The pieces that will not change any more; only ever added to."""
        return self._reader.closed

    def open(self, is_growing: bool) -> list[Block]:
        """The pieces after those. While the text grows, signs at its end that may become a marker are left out."""
        reader = self._reader.fork()
        line = clean(self._partial)
        if not is_growing:
            reader.read(line)
        elif not reader.awaits_more(line):
            reader.read(line if reader.is_in_code else _mended(line))
        return reader.finish(is_growing)

    def extend(self, text: str) -> None:
        *lines, last = (self._partial + text).split("\n")
        for line in lines:
            self._reader.read(clean(self._without_stretches(line)))
            self._reader.end_line()
        self._partial = self._without_stretches(last)

    def _without_stretches(self, line: str) -> str:
        """Reads what is too much of a line for one piece; returns the rest."""
        while len(line) > MAX_PROSE_LENGTH:
            end = _stretch(line)
            self._reader.read(clean(line[:end]))
            self._reader.end_stretch()
            line = line[end:]
        return line


def _stretch(line: str) -> int:
    """Where a long line is parted: at the end of a sentence that closes what it opened, else at a blank."""
    window = line[:MAX_PROSE_LENGTH]
    ends = [match.end() for match in _SENTENCE_END.finditer(window, MAX_PROSE_LENGTH // 2)]
    for end in reversed(ends):
        if is_whole(window[:end]):
            return end
    return window.rfind(" ", MAX_PROSE_LENGTH // 2) + 1 or MAX_PROSE_LENGTH


def _mended(line: str) -> str:
    """A line that ends within code or strong emphasis, as if these ended with it."""
    for mark in ("`", "**"):
        if line.count(mark) % 2:
            return line.removesuffix(mark) if line.endswith(mark) else line.rstrip() + mark
    return line
