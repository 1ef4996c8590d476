"""Sessions: conversations with an agent instance (`docs/compatibility.md` 123)."""

from __future__ import annotations

from collections.abc import Sequence

from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.kinds import AGENT_INSTANCE, API_VERSION, SESSION
from stigmer_tui.api.session_pb2 import (
    ListSessionsByAgentRequest,
    ListSessionsRequest,
    Session,
    SessionList,
    SessionSpec,
)
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.server.paging import page_count, page_size, unknown_token
from stigmer_tui.server.resources import Resources, note_created
from stigmer_tui.server.sizes import that_fit


class Sessions(Resources[Session]):
    kind = SESSION

    def check(self, resource: Session) -> None:
        resource.spec.agent_instance_id = canonical_id(resource.spec.agent_instance_id)

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
