"""Texts that fit a context window, each with how to get more."""

from __future__ import annotations

CHARACTERS_OF_A_TOKEN = 4
"""About."""

MAX_TOKENS = 20_000
"""That one answer has, whatever is asked for."""


def excerpt(text: str, offset: int, max_tokens: int, more: str) -> str:
    """From a character on, whole lines where that is possible. `more` is the call that goes on, with `{offset}`."""
    size = max(1, min(max_tokens, MAX_TOKENS)) * CHARACTERS_OF_A_TOKEN
    offset = max(0, min(offset, len(text)))
    part = text[offset : offset + size]
    end = offset + len(part)
    if end < len(text) and "\n" in part:
        end = offset + part.rindex("\n") + 1
    left = len(text) - end
    if not left:
        return text[offset:]
    return f"{text[offset:end].rstrip()}\n\n… {left:,} more characters: {more.format(offset=end)}"


def tail(text: str, max_tokens: int, more: str) -> str:
    """The last lines of a text."""
    size = max(1, min(max_tokens, MAX_TOKENS)) * CHARACTERS_OF_A_TOKEN
    if len(text) <= size:
        return text
    part = text[-size:]
    return f"… {len(text) - size:,} characters before: {more}\n\n{part[part.find(chr(10)) + 1 :]}"
