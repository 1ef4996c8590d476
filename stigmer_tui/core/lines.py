"""Lines of text out of bytes that arrive in pieces."""

from __future__ import annotations

import codecs


class LineSplitter:
    """Gives each line once it is complete, without its end; bytes that are not UTF-8 are replaced."""

    def __init__(self, most: int) -> None:
        """A line of more than `most` characters comes in pieces."""
        self._most = most
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        return self._split(self._decoder.decode(data))

    def end(self) -> list[str]:
        """What is left of the last line."""
        lines = self._split(self._decoder.decode(b"", final=True))
        rest, self._rest = self._rest, ""
        return [*lines, rest] if rest else lines

    def _split(self, text: str) -> list[str]:
        *lines, rest = (self._rest + text).split("\n")
        lines = [line.removesuffix("\r") for line in lines]
        while len(rest) > self._most:
            lines.append(rest[: self._most])
            rest = rest[self._most :]
        self._rest = rest
        return lines
