"""Texts from models, tools and files, made fit for a report: well-formed, free of secrets, of bearable length."""

from __future__ import annotations

from typing import Any

from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import count_text

MAX_ARGUMENT_LENGTH = 20_000
"""Characters of a text in the arguments of a call that are reported."""


class RedactedText:
    """Pieces in, redacted text out. Secrets and characters that the border of two pieces cuts are whole in it."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        self._pieces.append(piece)

    def take(self, complete: bool = False) -> str:
        """What is new since the last call; without an end that may be the beginning of a secret, unless `complete`."""
        if not self._pieces:
            return ""
        text = "".join(self._pieces)
        end = len(text)
        if not complete:
            end = min(self._redactor.settled(text), end - ("\ud800" <= text[-1:] <= "\udbff"))  # Half a character.
        self._pieces = [text[end:]] if end < len(text) else []
        return well_formed(self._redactor.text(text[:end]))


def well_formed(text: str) -> str:
    """Without halves of characters (lone surrogates), which JSON can bring and UTF-8 cannot hold."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def shortened(data: Any) -> Any:
    """JSON-like data without texts of more than `MAX_ARGUMENT_LENGTH` characters: these are cut, and say so."""
    match data:
        case str() if len(data) > MAX_ARGUMENT_LENGTH:
            return f"{data[:MAX_ARGUMENT_LENGTH]}… (cut here; {count_text(len(data))} characters in all)"
        case dict():
            return {key: shortened(value) for key, value in data.items()}
        case list():
            return [shortened(value) for value in data]
        case _:
            return data
