"""The tools that a person has allowed for the rest of a run, in any of its calls and in any of its sub-agents."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from stigmer_tui.agents.journal import AgentJournal


class AllowedTools:
    """Shared by a run and its sub-agents, and kept in the journal of the run: those of its sub-agents end before it."""

    def __init__(self, record: AgentJournal) -> None:
        self._record = record
        self._allowed: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def __contains__(self, tool: str) -> bool:
        return self._record.is_allowed(tool)

    async def add(self, tool: str) -> None:
        """Returns when that is durable."""
        if tool not in self:
            await self._record.allow(tool)
        self._allowed[tool].set()

    async def wait_for(self, tool: str) -> None:
        """Returns when a person allows the tool in another call."""
        await self._allowed[tool].wait()
