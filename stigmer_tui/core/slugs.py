"""Slugs: the URL form of names (`docs/compatibility.md` 113–117)."""

from __future__ import annotations

import re

_DROPPED = re.compile(r"[^a-z0-9-]")
_HYPHENS = re.compile(r"-{2,}")


def slug_of(name: str) -> str:
    """Lower case, blanks as hyphens, everything but ASCII letters, digits and hyphens dropped. May be empty."""
    text = _DROPPED.sub("", name.lower().replace(" ", "-"))
    return _HYPHENS.sub("-", text).strip("-")
