"""Lists that come in pages, whose token is the id of the last entry of the page before."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any, TypeVar

Entry = TypeVar("Entry", bound=Any)

MAX_ENTRIES = 50
"""Of one page."""


async def pages(fetch: Callable[[str], Awaitable[Iterable[Entry]]], token: str = "") -> AsyncGenerator[list[Entry]]:
    """The pages of a list, from a token on. `fetch` gives the entries after one.

    A page may hold fewer entries than were asked for, because messages have a limit, so only an empty one is the end;
    or one without anything new, from a server that does not know the token.
    """
    seen = {token}
    while True:
        page = [entry for entry in await fetch(token) if entry.metadata.id not in seen]
        if not page:
            return
        yield page
        seen.update(entry.metadata.id for entry in page)
        token = page[-1].metadata.id
