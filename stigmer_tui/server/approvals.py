"""Approvals of tool calls: a person decides once, and whichever runner works on the execution gets the decision."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, ToolCall
from stigmer_tui.api.approval_pb2 import DecideRequest, DecideResponse, Decision, WaitRequest
from stigmer_tui.api.approvals import is_waiting
from stigmer_tui.core.daemon_processes import RunnerIdentity
from stigmer_tui.core.sqlite import Database, outcome
from stigmer_tui.server.errors import ApiError, impossible_now, invalid
from stigmer_tui.server.executions import Executions, LiveExecution
from stigmer_tui.server.leases import Leases


class DecisionStore:
    """Decisions by execution and call, at most one for each call."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, execution_id: str, call_id: str) -> Decision | None:
        sql = "SELECT decision FROM approvals WHERE execution = ? AND call = ?"
        rows = self._database.read(sql, (execution_id, call_id))
        return Decision.FromString(rows[0][0]) if rows else None

    async def insert(self, execution_id: str, call_id: str, decision: Decision) -> None:
        """Raises IntegrityError if the call has been decided on, or the execution was deleted."""
        row = (execution_id, call_id, decision.SerializeToString())
        await outcome(self._database.write(lambda db: db.execute("INSERT INTO approvals VALUES (?, ?, ?)", row)))


class Approvals:
    def __init__(self, store: DecisionStore, executions: Executions, leases: Leases) -> None:
        self._store = store
        self._executions = executions
        self._leases = leases
        self._next = asyncio.Event()
        """Set by the next decision."""

    # For people

    async def decide(self, request: DecideRequest) -> DecideResponse:
        decision = request.decision
        if decision.WhichOneof("kind") is None:
            raise invalid("decision: allowed or denied is required")
        live = self._executions.open(request.execution_id)
        try:
            at, call = self._waiting_call(live, request.call_id)
        except ApiError:
            # Only now, as a decision may have been made a moment ago.
            if decided := self._decided(live, request):
                return decided
            raise
        try:
            await self._store.insert(at.id, call.id, decision)
        except sqlite3.IntegrityError:
            # Somebody else was faster.
            self._require_same(at, call, decision)
        self._wake()
        return DecideResponse(execution_id=at.id, call_id=call.id, tool=call.name)

    def _decided(self, live: LiveExecution, request: DecideRequest) -> DecideResponse | None:
        """The response to a request that was answered before, but whose response got lost."""
        if not request.call_id:
            return None
        for each, call in self._calls(live):
            if call.id == request.call_id and self._store.find(each.id, call.id) is not None:
                self._require_same(each, call, request.decision)
                return DecideResponse(execution_id=each.id, call_id=call.id, tool=call.name)
        return None

    def _require_same(self, live: LiveExecution, call: ToolCall, decision: Decision) -> None:
        if self._store.find(live.id, call.id) != decision:
            raise impossible_now(f"the call of {call.name} has been decided on already")

    def _waiting_call(self, live: LiveExecution, call_id: str) -> tuple[LiveExecution, ToolCall]:
        """The call with this id, or the only one that waits. Raises ApiError."""
        if live.phase.is_final:
            raise impossible_now(f"{live.id} has ended: nothing in it waits for an approval")
        waiting = [
            (each, call)
            for each, call in self._calls(live)
            if is_waiting(call) and self._store.find(each.id, call.id) is None
        ]
        found = [(each, call) for each, call in waiting if not call_id or call.id == call_id]
        if len(found) == 1:
            return found[0]
        raise _no_single_call(live, call_id, [call for _, call in waiting])

    def _calls(self, live: LiveExecution) -> Iterator[tuple[LiveExecution, ToolCall]]:
        """Those of the execution, then those of unfinished ones that it has started."""
        execution = live.state.execution
        if isinstance(execution, AgentExecution):
            yield from ((live, call) for call in execution.status.tool_calls)
        for child in self._executions.store.unfinished(parent=live.id):
            yield from self._calls(self._executions.open(child))

    # For runners

    async def wait(self, runner: RunnerIdentity, request: WaitRequest) -> Decision:
        live = self._leases.leased(request.lease_id, runner)
        while True:
            # Before looking: a decision in between sets this one.
            next_decision = self._next
            if decision := self._store.find(live.id, request.call_id):
                return decision
            await next_decision.wait()

    def _wake(self) -> None:
        self._next.set()
        self._next = asyncio.Event()


def _no_single_call(live: LiveExecution, call_id: str, waiting: list[ToolCall]) -> ApiError:
    if not waiting:
        return impossible_now(f"nothing in {live.id} waits for an approval")
    names = ", ".join(f"{call.id} ({call.name})" for call in waiting)
    if call_id:
        return impossible_now(f"the call {call_id} does not wait for an approval; those that do: {names}")
    return impossible_now(f"{len(waiting)} calls in {live.id} wait for an approval, so name one: {names}")
