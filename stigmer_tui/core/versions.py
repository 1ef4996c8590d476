"""Versions of this program, compared."""

from __future__ import annotations

import re


def is_older(version: str, than: str) -> bool:
    """Whether one `MAJOR.MINOR.PATCH` comes before another, whatever follows it, such as `.dev1`."""
    return _numbers(version) < _numbers(than)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
