"""Follows an execution, and every execution that one of its nodes stands for, into one tree."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from stigmer_tui.api.redaction import redact
from stigmer_tui.client.connection import Connection, StreamInterrupted
from stigmer_tui.client.executions import is_agent_execution
from stigmer_tui.client.follow import follow
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind
from stigmer_tui.workbench.nodes import NodeKey, PutNode, run_node
from stigmer_tui.workbench.wire_deltas import take_response

MAX_CHILDREN = 16
"""Executions of one depth that are followed at the same time; of those that wait, most have ended."""


@dataclass(slots=True)
class _Tree:
    execution: Execution
    group: asyncio.TaskGroup
    followed: set[str]
    """Ids of executions, each of which is followed once."""
    seen: int = -1
    slots: defaultdict[int, asyncio.Semaphore] = field(
        default_factory=lambda: defaultdict(lambda: asyncio.Semaphore(MAX_CHILDREN))
    )
    """By depth, so that executions do not keep out those that they wait for."""


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

    async def follow(self, execution: Execution) -> None:
        """Until the execution, and with it every one that it started, has ended. Raises StigmerError."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._follow(_Tree(execution, group, {execution.id}), execution.root_key)
        except BaseExceptionGroup as errors:
            # Not `except*`: before Python 3.11.4, whatever is raised in one becomes a group again.
            refusals, others = errors.split(StigmerError)
            if refusals is None or others is not None:
                raise
            raise refusals.exceptions[0] from None

    async def _follow(self, tree: _Tree, run: NodeKey) -> None:
        async with aclosing(follow(self._connection, run[-1], self._interval_ms)) as responses:
            async for response in responses:
                if isinstance(response, StreamInterrupted):
                    self._interrupted()
                    continue
                if self._redactor:
                    redact(response, self._redactor)
                take_response(tree.execution, response, run)
                self._follow_children(tree)
                self._changed()

    def _follow_children(self, tree: _Tree) -> None:
        parts = tree.execution.changed_since(tree.seen)
        for key, index in parts:
            node = tree.execution.node(key)
            if index >= 0 or not node.child or node.child in tree.followed:
                continue
            tree.followed.add(node.child)
            kind = ResourceKind.AGENT if is_agent_execution(node.child) else ResourceKind.WORKFLOW
            tree.execution.apply(PutNode(run_node(kind, node.child, node.detail or node.name), key))
            tree.group.create_task(self._follow_child(tree, (*key, node.child)))
        tree.seen = tree.execution.revision

    async def _follow_child(self, tree: _Tree, run: NodeKey) -> None:
        async with tree.slots[len(run)]:
            await self._follow(tree, run)
