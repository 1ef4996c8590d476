"""Texts of models and tools for a report: well-formed, without secrets, of limited length."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import count_text

MAX_ARGUMENT_LENGTH = 20_000
"""Characters of a text in the arguments of a call; the rest is not reported."""


class RedactedText:
    """Redacts text that comes in pieces, including secrets and characters that two pieces share."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._pieces: list[str] = []

    def add(self, piece: str) -> None:
        """Appends a piece."""
        self._pieces.append(piece)

    def take(self, complete: bool = False) -> str:
        """The text since the last call; unless `complete`, without an end that may be the beginning of a secret."""
        if not self._pieces:
            return ""
        text = "".join(self._pieces)
        end = len(text)
        if not complete:
            end = min(self._redactor.settled(text), end - ("\ud800" <= text[-1:] <= "\udbff"))  # Half a character.
        self._pieces = [text[end:]] if end < len(text) else []
        return well_formed(self._redactor.text(text[:end]))


def problems_text(problems: Iterable[Mapping[str, Any]]) -> str:
    """What pydantic has found wrong with the arguments of a call, for people."""
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)


def well_formed(text: str) -> str:
    """Joins surrogates and replaces lone ones, which JSON may contain and UTF-8 cannot encode."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def shortened(data: Any) -> Any:
    """JSON-like data with texts cut to `MAX_ARGUMENT_LENGTH` characters and a note."""
    match data:
        case str() if len(data) > MAX_ARGUMENT_LENGTH:
            return f"{data[:MAX_ARGUMENT_LENGTH]}… (cut here; {count_text(len(data))} characters in all)"
        case dict():
            return {key: shortened(value) for key, value in data.items()}
        case list():
            return [shortened(value) for value in data]
        case _:
            return data
