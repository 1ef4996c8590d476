"""Front matter: YAML between two lines of hyphens, above a text of Markdown."""

from __future__ import annotations

LINE = "---\n"


def split_front_matter(text: str) -> tuple[str, str]:
    """The YAML, whose lines count as in the text, and what stands below it; all is text where the lines are missing."""
    if not text.startswith(LINE):
        return "", text
    front, end, below = text[len(LINE) :].partition(f"\n{LINE}")
    return (f"\n{front}", below) if end else ("", text)
