"""Pages of lists. A page token is the id of the last entry of the page before, since responses have no token field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from stigmer_tui.server.errors import ApiError, invalid
from stigmer_tui.server.resource_store import StoredResource

Entry = TypeVar("Entry", bound=StoredResource)

MAX_PAGE_SIZE = 1000
DEFAULT_PAGE = 100


def unknown_token(token: str) -> ApiError:
    return invalid(f"page_token: {token} is not the id of an entry of this list")


def page_number(entries: Sequence[Entry], number: int, size: int) -> tuple[Sequence[Entry], int]:
    """The page with this number, from 1 (0 means 1), and the number of pages. Size 0 means all entries."""
    if size == 0 and number in (0, 1):
        return entries, 1
    size = page_size(size)
    start = (max(number, 1) - 1) * size
    return entries[start : start + size], page_count(len(entries), size)


def page_size(size: int) -> int:
    """The size to use for a requested one; 0 means the default. Raises ApiError."""
    if size < 0:
        raise invalid("page_size: must not be negative")
    return min(size or DEFAULT_PAGE, MAX_PAGE_SIZE)


def page_count(count: int, size: int) -> int:
    return max(1, -(-count // size))
