"""Finds executions by what was said and done in them: see catalogue.proto.

The database is read from the newest execution on, a few hundred at a time, beside the event loop. It says which ones
may have the text; those are read as a whole, for the lines that tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime

from stigmer_tui.api.catalogue_pb2 import Excerpt, FoundRun, Run, SearchRequest, SearchResponse
from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.core.ids import first_ulid
from stigmer_tui.server.errors import ApiError, invalid
from stigmer_tui.server.execution_state import AnyExecution
from stigmer_tui.server.execution_store import Candidate
from stigmer_tui.server.execution_texts import texts_of
from stigmer_tui.server.executions import Executions

STRETCH = 300
"""Executions that are read at a time."""

DEFAULT_LIMIT = 50
MAX_EXCERPTS = 3
EXCERPT = 160
"""Characters of a line."""
BEFORE = 50
"""Of these, before the text."""


class ExecutionSearch:
    def __init__(self, executions: Executions) -> None:
        self._executions = executions

    async def search(self, request: SearchRequest) -> AsyncIterator[SearchResponse]:
        since = parse_timestamp(request.since)
        if request.since and since is None:
            raise invalid(f"since: {request.since} is no time as of RFC 3339")
        limit = request.limit or DEFAULT_LIMIT
        earliest = first_ulid(max(0, int(since.timestamp() * 1000))) if since else ""
        seen: set[str] = set()
        oldest = ""
        while len(seen) < limit:
            found = []
            stretch = await asyncio.to_thread(
                self._executions.store.candidates, request.org, spellings(request.text), oldest, STRETCH
            )
            for candidate in stretch.found:
                if len(seen) < limit and (hit := self._hit(candidate, request, since, seen)):
                    seen.add(hit.run.id)
                    found.append(hit)
            if found:
                yield SearchResponse(found=found)
            oldest = stretch.oldest
            if not oldest or oldest < earliest:
                return

    def _hit(
        self, candidate: Candidate, request: SearchRequest, since: datetime | None, seen: set[str]
    ) -> FoundRun | None:
        root = self._root(candidate)
        run = None if root in seen else self._executions.store.listed(root)
        if run is None or not _matches(run, request, since):
            return None
        if not request.text:
            return FoundRun(run=run) if root == candidate.id else None
        execution = self._execution(candidate)
        excerpts = list(excerpts_of(execution, request.text)) if execution else []
        return FoundRun(run=run, excerpts=excerpts) if excerpts else None

    def _root(self, candidate: Candidate) -> str:
        root, parent = candidate.id, candidate.parent
        while parent:
            root, parent = parent, self._executions.store.parent(parent)
        return root

    def _execution(self, candidate: Candidate) -> AnyExecution | None:
        """One that goes on is as its readers see it; of one that has ended, nothing is kept in memory."""
        with suppress(ApiError):
            # It may be deleted meanwhile.
            if not candidate.is_final:
                return self._executions.open(candidate.id).state.execution
        state = self._executions.store.load(candidate.id)
        return state.execution if state else None


def spellings(text: str) -> list[str]:
    """How a text may stand in the database, whose small letters are those of ASCII."""
    forms = (text, text.lower(), text.upper(), text.title()) if text else ()
    return list(dict.fromkeys(form.encode().lower().decode() for form in forms))


def excerpts_of(execution: AnyExecution, text: str) -> Iterator[Excerpt]:
    """The first lines with the text, each once."""
    wanted, told = text.lower(), set[str]()
    for source, whole in texts_of(execution):
        if wanted not in whole.lower():
            continue
        for line in whole.splitlines():
            start = line.lower().find(wanted)
            if start < 0 or (short := _shortened(line, start)) in told:
                continue
            told.add(short)
            yield Excerpt(source=source, text=short)
            if len(told) == MAX_EXCERPTS:
                return


def _shortened(line: str, start: int) -> str:
    first = max(0, start - BEFORE) if len(line) > EXCERPT else 0
    kept = line[first : first + EXCERPT]
    return f"{'…' if first else ''}{kept.strip()}{'…' if len(line) > first + EXCERPT else ''}"


def _matches(run: Run, request: SearchRequest, since: datetime | None) -> bool:
    created = parse_timestamp(run.created_at)
    return (
        (not request.phases or run.phase in request.phases)
        and request.resource_slug in ("", run.resource_slug)
        and (since is None or (created is not None and created >= since))
    )
