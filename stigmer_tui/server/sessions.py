"""Sessions: conversations with an agent instance (`docs/compatibility.md` 123)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.kinds import AGENT_EXECUTION, AGENT_INSTANCE, API_VERSION, SESSION
from stigmer_tui.api.session_pb2 import (
    ListSessionsByAgentRequest,
    ListSessionsRequest,
    Session,
    SessionList,
    SessionSpec,
)
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.definition import extensions
from stigmer_tui.server.errors import impossible_now, invalid
from stigmer_tui.server.execution_store import Stretch, kind_of
from stigmer_tui.server.paging import page_count, page_size, unknown_token
from stigmer_tui.server.resources import Resources, note_created
from stigmer_tui.server.sizes import that_fit


class Sessions(Resources[Session]):
    kind = SESSION

    def check(self, resource: Session) -> None:
        resource.spec.agent_instance_id = canonical_id(resource.spec.agent_instance_id)
        if extensions.FORK in resource.spec.metadata:
            origin, before = _fork(resource)
            if kind_of(before) is not AGENT_EXECUTION:
                raise invalid(f"spec.metadata: {extensions.FORK} names a session and an execution of it")
            self.load(origin)

    def parent(self, resource: Session) -> str:
        return resource.spec.agent_instance_id

    def opened(self, instance_id: str, org: str) -> Session:
        """A new session, not stored yet. Its slug contains its id and is therefore unique."""
        identity = self.ids.new(SESSION.prefix)
        session = Session(
            api_version=API_VERSION,
            kind=SESSION.name,
            # Sessions cannot belong to the platform, even with a platform agent.
            metadata=ApiResourceMetadata(
                id=identity,
                name=f"session-{identity[4:]}",
                slug=f"session-{identity[4:]}",
                org=org,
                owner_scope=ApiResourceOwnerScope.organization,
            ),
            spec=SessionSpec(agent_instance_id=instance_id),
        )
        note_created(session, self.clock)
        return session

    async def delete(self, request: Any) -> Session:
        """Its executions stay. A session that another was forked from is needed by that one."""
        session = self.load(request.value)
        for other in self.store.all(SESSION):
            if extensions.FORK in other.spec.metadata and _fork(other)[0] == session.metadata.id:
                raise impossible_now(
                    f"session {session.metadata.id} holds the beginning of session {other.metadata.id}, "
                    "which was forked from it; delete that one first"
                )
        return await super().delete(request)

    def stretches(self, session: Session) -> Iterator[Stretch]:
        """What the conversation of a session consists of: its own executions, and what it was forked from."""
        before = ""
        seen = set()
        while session.metadata.id not in seen:
            seen.add(session.metadata.id)
            yield Stretch(session.metadata.id, before)
            if extensions.FORK not in session.spec.metadata:
                return
            origin, end = _fork(session)
            # What was forked before the place where it was forked again ends there.
            before = min(before, end) if before else end
            session = self.load(origin)

    def folder(self, session: Session) -> str:
        """The working folder of a session: forks go on in that of the first one."""
        *_, first = self.stretches(session)
        return first.session

    async def list(self, request: ListSessionsRequest) -> SessionList:
        return self._page(request.page_size, request.page_token, frozenset(request.tags), None)

    async def list_by_agent(self, request: ListSessionsByAgentRequest) -> SessionList:
        instances = self.store.children(AGENT_INSTANCE, canonical_id(request.agent_id))
        parents = [instance.metadata.id for instance in instances]
        return self._page(request.page_size, request.page_token, frozenset(), parents)

    def _page(self, size: int, token: str, tags: frozenset[str], parents: Sequence[str] | None) -> SessionList:
        """A page, newest first."""
        size = page_size(size)
        page = self.store.page(SESSION, size, canonical_id(token) if token else "", tags, parents)
        if page is None:
            raise unknown_token(token)
        sessions, count = page
        return SessionList(total_pages=page_count(count, size), entries=that_fit(sessions))


def _fork(session: Session) -> tuple[str, str]:
    """The session that this one was forked from, and the first execution of that which does not belong to it."""
    origin, _, before = session.spec.metadata[extensions.FORK].partition(" ")
    return canonical_id(origin), canonical_id(before)
