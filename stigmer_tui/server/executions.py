"""Live executions (leased or watched): the only place that changes them, and streams of their changes."""

from __future__ import annotations

import asyncio
import copy
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.execution_pb2 import (
    AgentExecutionDelta,
    FollowRequest,
    FollowResponse,
    WorkflowExecutionDelta,
)
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.clock import Clock, timestamp
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.server.compatibility import settled_view
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.execution_state import AgentExecutionState, AnyExecution, AnyState, Cursor, StoredEvent
from stigmer_tui.server.execution_store import ExecutionStore, NewExecution
from stigmer_tui.server.resource_store import ResourceRow

logger = logging.getLogger(__name__)

AnyDelta = AgentExecutionDelta | WorkflowExecutionDelta

ENDS = {Phase.COMPLETED: "has completed", Phase.FAILED: "has failed", Phase.CANCELLED: "was cancelled"}
"""In sentences of the log."""

SUBSCRIBE_INTERVAL = 0.05
"""Minimum seconds between two snapshots on a plain subscription."""


class LiveExecution:
    def __init__(self, state: AnyState) -> None:
        self.id = state.execution.metadata.id
        self.state = state
        self.deleted = False
        self.lock = asyncio.Lock()
        """Held while a change is stored, so that changes become durable and visible in the same order."""
        self._waiting: set[asyncio.Future[None]] = set()
        self._end = asyncio.Event()
        self._note_end()

    @property
    def phase(self) -> Phase:
        return self.state.phase

    async def newer(self, version: int) -> None:
        """Waits for a newer version, or for the deletion of the execution."""
        while self.state.version <= version and not self.deleted:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.add(waiter)
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)

    async def ended(self) -> None:
        await self._end.wait()

    async def rest(self, seconds: float) -> None:
        """Sleeps, but not beyond the end of the execution."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), seconds)

    def publish(self) -> None:
        self._note_end()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def _note_end(self) -> None:
        if self.phase.is_final or self.deleted:
            self._end.set()


class Executions:
    def __init__(self, store: ExecutionStore, clock: Clock, changes: ChangeSignal) -> None:
        self.store = store
        self._clock = clock
        self._changes = changes
        self._unfinished: dict[str, LiveExecution] = {}
        self._seen: WeakValueDictionary[str, LiveExecution] = WeakValueDictionary()
        self.on_end: Callable[[LiveExecution], None] = lambda live: None

    async def add(self, new: NewExecution, *with_rows: ResourceRow) -> None:
        await self.store.insert(new, *with_rows)
        self._changes.note()

    def open(self, execution_id: str) -> LiveExecution:
        """Returns the one object for an execution, shared while it is in use. Raises ApiError NOT_FOUND."""
        execution_id = canonical_id(execution_id)
        live = self._seen.get(execution_id)
        if live is None:
            state = self.store.load(execution_id)
            if state is None:
                raise not_found("execution", execution_id)
            live = self._seen[execution_id] = LiveExecution(state)
            if not live.phase.is_final:
                self._unfinished[execution_id] = live
        return live

    async def change(self, live: LiveExecution, delta: AnyDelta) -> int:
        """Applies a delta, which is durable before it is visible; no effect on an ended execution. Returns the version.

        Waits while the database cannot be written. Raises ApiError for an impossible delta.
        """
        async with live.lock:
            await self._keep_in_step(live, partial(self._change, live, delta))
            return live.state.version

    async def edit(self, live: LiveExecution, edit: Callable[[AnyExecution], AnyExecution]) -> AnyExecution:
        """Like `change`, with a function that returns a changed copy of the execution."""
        async with live.lock:
            await self._keep_in_step(live, partial(self._edit, live, edit))
            return live.state.execution

    async def _keep_in_step(self, live: LiveExecution, store: Callable[[], Awaitable[None]]) -> None:
        """Retries after a reload if the database has another version than this state."""
        if live.phase.is_final or live.deleted:
            return
        try:
            await store()
        except sqlite3.IntegrityError:
            logger.exception("the state of %s is not the stored one, which is read again", live.id)
            if self._reload(live):
                await store()

    async def _change(self, live: LiveExecution, delta: AnyDelta) -> None:
        state = live.state
        if problem := state.objection(delta):
            raise invalid(problem)
        event = StoredEvent(state.version + 1, False, delta.SerializeToString())
        if delta.HasField("phase") and Phase(delta.phase) != state.phase:
            projected = copy.deepcopy(state)
            projected.replay(event)
            await self.store.append_phase(projected.execution, event)
            live.state = projected
            self._changes.note()
        else:
            await self.store.append(live.id, event)
            state.replay(event)
        self._publish(live)

    async def _edit(self, live: LiveExecution, edit: Callable[[AnyExecution], AnyExecution]) -> None:
        state = live.state
        execution = edit(state.execution)
        event = StoredEvent(state.version + 1, True, execution.SerializeToString())
        if Phase(execution.status.phase) != state.phase:
            await self.store.append_phase(execution, event)
            self._changes.note()
        else:
            tagged = execution if execution.metadata.tags != state.execution.metadata.tags else None
            await self.store.append(live.id, event, tagged)
        state.replay(event)
        self._publish(live)

    def _reload(self, live: LiveExecution) -> bool:
        """Reloads from the database; returns whether it can still be changed."""
        state = self.store.load(live.id)
        if state is None:
            live.deleted = True
        else:
            # The positions of readers are unknown now.
            state.whole_since = state.version
            live.state = state
        self._publish(live)
        return not live.deleted and not live.phase.is_final

    async def end(self, live: LiveExecution, phase: Phase, error: str) -> None:
        """Ends an execution on the server's side, without its runner."""
        now = timestamp(self._clock.now())
        if isinstance(live.state.execution, AgentExecution):
            await self.change(live, AgentExecutionDelta(phase=phase.for_agent, error=error, completed_at=now))
        else:
            await self.change(live, WorkflowExecutionDelta(phase=phase.for_workflow, error=error, completed_at=now))

    async def delete(self, live: LiveExecution) -> AnyExecution:
        async with live.lock:
            await self.store.delete(live.id)
            live.deleted = True
            self._seen.pop(live.id, None)
            self._publish(live)
        self._changes.note()
        return live.state.execution

    async def follow(self, request: FollowRequest) -> AsyncIterator[FollowResponse]:
        """Streams deltas from the reader's version to the end; see execution.proto."""
        live = self.open(request.execution_id)
        cursor: Cursor | None = None
        if live.state.whole_since <= request.after_version <= live.state.version:
            cursor = Cursor(request.after_version)
        while True:
            response = _response(live.state, cursor)
            # Before sending, which takes time: changes meanwhile belong to the next response.
            cursor = cursor or live.state.cursor()
            yield response
            if live.phase.is_final and cursor.version == live.state.version:
                return
            await live.rest(request.interval_ms / 1000)
            await live.newer(cursor.version)
            if live.deleted:
                raise not_found("execution", f"{live.id} (it was deleted)")
            if cursor.version < live.state.whole_since:
                cursor = None

    async def subscribe(self, execution_id: str) -> AsyncIterator[AnyExecution]:
        """Streams snapshots to the end, without parts that may still change (see compatibility.py)."""
        live = self.open(execution_id)
        view: Any = settled_view(live.state)
        while True:
            state = live.state
            version, final = state.version, state.phase.is_final
            yield view.show(state)
            if final:
                return
            await live.rest(SUBSCRIBE_INTERVAL)
            await live.newer(version)
            if live.deleted:
                raise not_found("execution", f"{live.id} (it was deleted)")

    def _publish(self, live: LiveExecution) -> None:
        ended = live.phase.is_final or live.deleted
        if ended:
            self._unfinished.pop(live.id, None)
        live.publish()
        if ended:
            _log_end(live)
            self.on_end(live)


def _log_end(live: LiveExecution) -> None:
    end = "was deleted" if live.deleted else ENDS[live.phase]
    error = "" if live.deleted else live.state.execution.status.error
    logger.info("execution %s %s%s", live.id, end, f": {error}" if error else "")


def _response(state: AnyState, cursor: Cursor | None) -> FollowResponse:
    if cursor is None:
        if isinstance(state, AgentExecutionState):
            waiting = state.waiting if state.waiting.model else None
            return FollowResponse(version=state.version, agent_snapshot=state.execution, waiting=waiting)
        return FollowResponse(version=state.version, workflow_snapshot=state.execution)
    delta = state.since(cursor)
    if isinstance(delta, AgentExecutionDelta):
        return FollowResponse(version=state.version, agent_delta=delta)
    return FollowResponse(version=state.version, workflow_delta=delta)
