"""All runs that a server has: found, compared, deleted and run again; none of them is shown or followed for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.run_query import FoundRun, RunQuery, parse_query
from stigmer_tui.workbench.state import RunInput
from stigmer_tui.workbench.turns import input_of

if TYPE_CHECKING:
    from stigmer_tui.workbench.run_comparison import Comparison
    from stigmer_tui.workbench.session import Session

MAX_FOUND = 200


class RunHistory:
    """Raises StigmerError where a query is wrong, or the server refuses or cannot be reached."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def query(self, written: str) -> RunQuery:
        """What a person has written, as of now."""
        return parse_query(written, self._session.clock)

    def search(self, query: RunQuery) -> AsyncGenerator[tuple[FoundRun, ...], None]:
        """As they are found, the newest first."""
        return self._session.backend.search(query, MAX_FOUND)

    async def run_before(self, run: Run) -> Run | None:
        """The last one of the same resource that was created before it."""
        query = RunQuery(resource=run.resource, kind=run.kind)
        is_older = False
        async with aclosing(self._session.backend.search(query, MAX_FOUND)) as arriving:
            async for some in arriving:
                for found in some:
                    if is_older:
                        return found.run
                    is_older = found.run.id == run.id
        return None

    async def what_ran(self, run: Run) -> tuple[Resource, RunInput]:
        """As it is now, and what to run it with again."""
        session = self._session
        known = (resource for resource in session.state.resources if resource.id == run.resource_id)
        resource = next(known, None) or await session.resolve(run.resource_id)
        if resource is None:
            raise StigmerError(f"{run.resource} is not deployed any more")
        execution = await session.backend.open(run)
        return resource, input_of(execution, session.inputs.last(resource.slug))

    def check_deletable(self, run: Run) -> None:
        if not run.state.is_final:
            raise StigmerError(f"{run.resource} has not ended yet", "Open it, and cancel it first")

    async def delete(self, run: Run) -> None:
        """With all that is kept of it."""
        await self._session.backend.delete(run.id)

    async def compare(self, first: Run, second: Run) -> Comparison:
        """As they are now."""
        from stigmer_tui.workbench.run_comparison import compare_runs

        one, other = [await read_execution(self._session.backend, run) for run in (first, second)]
        return await asyncio.to_thread(compare_runs, one, other, self._session.clock.now())


async def read_execution(backend: Backend, run: Run) -> Execution:
    """As it is now; with the executions that it has started, if it has ended."""
    execution = await backend.open(run)
    if execution.state.is_final:
        await backend.follow(execution, lambda: None, lambda: None, 0)
    return execution
