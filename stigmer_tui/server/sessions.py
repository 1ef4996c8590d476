"""Sessions: conversations with an agent instance (contract, BEHAVIOUR 6)."""

from __future__ import annotations

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
from stigmer_tui.server.audit import note_created
from stigmer_tui.server.paging import page_after
from stigmer_tui.server.resources import Resources


class Sessions(Resources[Session]):
    kind = SESSION

    def check(self, resource: Session) -> None:
        resource.spec.agent_instance_id = canonical_id(resource.spec.agent_instance_id)

    def parent(self, resource: Session) -> str:
        return resource.spec.agent_instance_id

    def opened(self, instance_id: str, org: str) -> Session:
        """A new session, not stored yet. Its slug is made of its id, so that no two ever meet."""
        identity = self.ids.new(SESSION.prefix)
        session = Session(
            api_version=API_VERSION,
            kind=SESSION.name,
            # Sessions cannot belong to the platform, not even those with a platform's agent.
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
        wanted = set(request.tags)
        sessions = [session for session in self.store.all(SESSION) if wanted <= set(session.metadata.tags)]
        return _page(sessions, request.page_size, request.page_token)

    async def list_by_agent(self, request: ListSessionsByAgentRequest) -> SessionList:
        instances = self.store.children(AGENT_INSTANCE, canonical_id(request.agent_id))
        sessions = [session for instance in instances for session in self.store.children(SESSION, instance.metadata.id)]
        sessions.sort(key=lambda session: str(session.metadata.id))
        return _page(sessions, request.page_size, request.page_token)


def _page(oldest_first: list[Session], size: int, token: str) -> SessionList:
    entries, pages = page_after(oldest_first[::-1], size, token)
    return SessionList(total_pages=pages, entries=entries)
