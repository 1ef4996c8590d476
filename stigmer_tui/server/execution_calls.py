"""The methods that executions of both kinds have in common."""

from __future__ import annotations

import copy
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata
from stigmer_tui.api.execution_pb2 import CancelRequest, CancelResponse
from stigmer_tui.api.kinds import AGENT_EXECUTION, Kind
from stigmer_tui.api.model_calls import MODEL_CALLS
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.ids import IdSource, canonical_id, slug_of
from stigmer_tui.server.controllers import REQUEST_KEY
from stigmer_tui.server.environments import RunEnvironments
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.execution_state import AnyExecution
from stigmer_tui.server.execution_store import PARENT_ENDED, ExecutionFilter, NewExecution, kind_of
from stigmer_tui.server.executions import Executions, LiveExecution
from stigmer_tui.server.leases import Leases
from stigmer_tui.server.paging import page_count, page_size, unknown_token
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import note_updated
from stigmer_tui.server.sizes import check_stored, that_fit


class ExecutionCalls:
    def __init__(
        self, executions: Executions, leases: Leases, environments: RunEnvironments, ids: IdSource, clock: Clock
    ) -> None:
        self.executions = executions
        self.leases = leases
        self.environments = environments
        self.clock = clock
        self._ids = ids

    def name(self, kind: Kind, metadata: ApiResourceMetadata) -> None:
        """Sets a new id, whatever the client sent, and a slug, which need not be unique."""
        metadata.id = self._ids.new(kind.prefix)
        metadata.slug = slug_of(metadata.slug or metadata.name) or metadata.id.replace("_", "-")
        metadata.name = metadata.name or metadata.slug

    async def start(self, new: NewExecution, *with_rows: ResourceRow) -> Any:
        """Stores the execution, submits it to a runner, and returns it as stored.

        Idempotent by request key, also for a retry that arrives while the first request is in progress.
        """
        check_stored(new.kind.noun, new.execution)
        try:
            await self.executions.add(replace(new, request_key=REQUEST_KEY.get()), *with_rows)
        except sqlite3.IntegrityError:
            await self.environments.forget(new.execution.metadata.id)
            if existing := self.started(new.kind):
                return existing
            raise
        live = self.executions.open(new.execution.metadata.id)
        self.leases.submit(live)
        return live.state.execution

    def started(self, kind: Kind) -> Any | None:
        """The execution that this request has created before, or None."""
        key = REQUEST_KEY.get()
        existing = self.executions.store.of_request(kind, key) if key else None
        return self.executions.open(existing).state.execution if existing else None

    async def cancel(self, request: CancelRequest) -> CancelResponse:
        live = self.executions.open(request.execution_id)
        if not live.phase.is_final:
            await self.leases.cancel(live, request.reason or "cancelled")
        return CancelResponse(phase=live.phase.for_agent)

    async def cancel_children(self, live: LiveExecution) -> None:
        """Cancels the executions that this one started and no longer waits for."""
        for child in self.executions.store.unfinished(parent=live.id):
            await self.leases.cancel(self.executions.open(child), PARENT_ENDED)

    async def update(self, kind: Kind, request: Any) -> Any:
        """Changes name, labels, annotations and tags only; the inputs of an execution are immutable."""
        if not request.metadata.id:
            raise invalid("metadata.id: an execution is named by its id")
        live = self.open(kind, request.metadata.id)
        sent = request.metadata

        def edited(execution: AnyExecution) -> AnyExecution:
            changed = copy.deepcopy(execution)
            metadata = changed.metadata
            for name in ("labels", "annotations", "tags"):
                metadata.ClearField(name)
            metadata.labels.update(sent.labels)
            metadata.annotations.update(sent.annotations)
            if calls := execution.metadata.annotations.get(MODEL_CALLS):
                metadata.annotations[MODEL_CALLS] = calls
            metadata.tags.extend(sent.tags)
            metadata.name = sent.name or metadata.name
            note_updated(changed, self.clock)
            return changed

        return await self.executions.edit(live, edited)

    async def delete(self, kind: Kind, execution_id: str) -> Any:
        """Ends the execution and its streams, and deletes it with its sub-agents."""
        live = self.open(kind, execution_id)
        if not live.phase.is_final:
            await self.leases.cancel(live, "deleted")
            await live.ended()
        for part in self.executions.store.sub_agents(live.id):
            await self.delete(AGENT_EXECUTION, part)
        return await self.executions.delete(live)

    def subscribe(self, kind: Kind, execution_id: str) -> AsyncIterator[Any]:
        self.open(kind, execution_id)
        return self.executions.subscribe(execution_id)

    def list(self, wanted: ExecutionFilter, size: int, token: str, whole: bool = False) -> tuple[list[Any], int]:
        """A page, newest first, and the number of pages; entries without messages and tasks unless `whole`.

        A page may be shorter than `size`, because clients limit the size of a message.
        """
        size = page_size(size)
        ids = self.executions.store.page(wanted, size, canonical_id(token) if token else "")
        if ids is None:
            raise unknown_token(token)
        found = (self.executions.open(execution_id).state.execution for execution_id in ids)
        entries = that_fit(found if whole else map(outline, found))
        return entries, page_count(self.executions.store.count(wanted), size)

    def open(self, kind: Kind, execution_id: str) -> LiveExecution:
        """Raises ApiError NOT_FOUND, also for an execution of the other kind."""
        if kind_of(canonical_id(execution_id)) is not kind:
            raise not_found(kind.noun, execution_id)
        return self.executions.open(execution_id)


BULK = ("messages", "tool_calls", "sub_agent_executions", "todos", "tasks", "output")


def outline(execution: AnyExecution) -> AnyExecution:
    """The execution without its messages, tasks and calls of models."""
    outlined = type(execution)(api_version=execution.api_version, kind=execution.kind, metadata=execution.metadata)
    outlined.metadata.annotations.pop(MODEL_CALLS, None)
    outlined.spec.CopyFrom(execution.spec)  # type: ignore[arg-type]
    for field, value in execution.status.ListFields():
        if field.name in BULK:
            continue
        if isinstance(value, Message):
            getattr(outlined.status, field.name).CopyFrom(value)
        else:
            setattr(outlined.status, field.name, value)
    return outlined
