"""Pages of lists. A page token is the id of the last entry of the page before: no response has a place for another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from stigmer_tui.core.ids import canonical_id
from stigmer_tui.server.errors import invalid
from stigmer_tui.server.resource_store import Resource

Entry = TypeVar("Entry", bound=Resource)

LARGEST_PAGE = 1000
DEFAULT_PAGE = 100


def page_after(entries: Sequence[Entry], size: int, token: str) -> tuple[Sequence[Entry], int]:
    """The page that follows the entry with the id `token`, and the number of pages. Size 0 is the default size."""
    size = _size(size)
    start = 0
    if token:
        ids = [entry.metadata.id for entry in entries]
        if canonical_id(token) not in ids:
            raise invalid(f"page_token: {token} is not the id of an entry of this list")
        start = ids.index(canonical_id(token)) + 1
    return entries[start : start + size], _pages(len(entries), size)


def page_number(entries: Sequence[Entry], number: int, size: int) -> tuple[Sequence[Entry], int]:
    """The page of that number, from 1 (0 means 1), and the number of pages. Size 0 is everything."""
    if size == 0 and number in (0, 1):
        return entries, 1
    size = _size(size)
    start = (max(number, 1) - 1) * size
    return entries[start : start + size], _pages(len(entries), size)


def _size(size: int) -> int:
    if size < 0:
        raise invalid("page_size: must not be negative")
    return min(size or DEFAULT_PAGE, LARGEST_PAGE)


def _pages(count: int, size: int) -> int:
    return max(1, -(-count // size))
