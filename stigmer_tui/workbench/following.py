"""Follows an execution, and the agents that its tasks wait for, into the model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from stigmer_tui.api.redaction import redact
from stigmer_tui.client.connection import Connection, Interrupted
from stigmer_tui.client.follow import follow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.workbench.model import Execution, ResourceKind
from stigmer_tui.workbench.translation import take_response

MAX_CHILDREN = 16
"""Agents that are followed at the same time; of those that wait, most have ended."""


class Follower:
    """`changed` is called after each change, `interrupted` when the connection is lost until the next change."""

    def __init__(
        self,
        connection: Connection,
        changed: Callable[[], None],
        interrupted: Callable[[], None],
        redactor: Redactor,
        interval_ms: int = 0,
    ) -> None:
        self._connection = connection
        self._changed = changed
        self._interrupted = interrupted
        self._redactor = redactor
        self._interval_ms = interval_ms
        self._children = asyncio.Semaphore(MAX_CHILDREN)

    async def follow(self, execution: Execution) -> None:
        """Until the execution, and with it every agent that it started, has ended. Raises StigmerError."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._follow(execution, group)
        except BaseExceptionGroup as errors:
            # Not `except*`: before Python 3.11.4, whatever is raised in one becomes a group again.
            refusals, others = errors.split(StigmerError)
            if refusals is None or others is not None:
                raise
            raise refusals.exceptions[0] from None

    async def _follow(self, execution: Execution, group: asyncio.TaskGroup) -> None:
        seen = -1
        async with aclosing(follow(self._connection, execution.id, self._interval_ms)) as responses:
            async for response in responses:
                if isinstance(response, Interrupted):
                    self._interrupted()
                    continue
                if self._redactor:
                    redact(response, self._redactor)
                take_response(execution, response)
                self._follow_children(execution, group, seen)
                seen = execution.revision
                self._changed()

    def _follow_children(self, execution: Execution, group: asyncio.TaskGroup, seen: int) -> None:
        for part in execution.changed_since(seen):
            task = execution.tasks.get(str(part.name))
            if task is not None and task.child and task.id not in execution.children:
                child = Execution(ResourceKind.AGENT, task.child, task.detail or task.name)
                execution.put_child(task.id, child)
                group.create_task(self._follow_child(child, group))

    async def _follow_child(self, child: Execution, group: asyncio.TaskGroup) -> None:
        async with self._children:
            await self._follow(child, group)
