"""Long texts for whoever has no room for all of them."""

from __future__ import annotations

from collections.abc import Callable


def without_middle(text: str, most: int, gap: Callable[[int], str] = lambda left_out: " … ") -> str:
    """Beginning and end of a text with more than `most` characters; `gap` stands for the characters between."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}{gap(len(text) - 2 * half)}{text[-half:]}"
