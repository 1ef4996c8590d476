"""All MCP servers of a run: up together, gone together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from stigmer_tui.agents.mcp.connection import ServerConnection
from stigmer_tui.agents.mcp.surroundings import Surroundings
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.mcp_servers import ServerLaunch


@asynccontextmanager
async def ending_servers(
    launches: Iterable[ServerLaunch], surroundings: Surroundings
) -> AsyncIterator[list[ServerConnection]]:
    """Servers that are not started yet; of those that are started, nothing is left after the block."""
    connections = [ServerConnection(launch, surroundings) for launch in launches]
    try:
        yield connections
    finally:
        closing = asyncio.gather(*(connection.close() for connection in connections))
        try:
            await asyncio.shield(closing)
        except asyncio.CancelledError:
            await closing
            raise


@asynccontextmanager
async def connected_servers(
    launches: Iterable[ServerLaunch], surroundings: Surroundings
) -> AsyncIterator[list[ServerConnection]]:
    """Servers that are started at the same time, and that are gone when the block ends, however it ends.

    Raises StigmerError for the first one that does not come up.
    """
    async with ending_servers(launches, surroundings) as connections:
        try:
            async with asyncio.TaskGroup() as group:
                for connection in connections:
                    group.create_task(connection.start())
        except BaseExceptionGroup as errors:
            raise _first_error(errors) from None
        yield connections


def _first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    refusals = errors.subgroup(StigmerError)
    return (refusals or errors).exceptions[0]
