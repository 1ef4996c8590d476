"""Sessions on a server: the conversations that executions of agents belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import aclosing
from uuid import uuid4

from stigmer_tui.api import pages
from stigmer_tui.api.agent_execution_pb2 import AgentExecution, ListAgentExecutionsBySessionRequest
from stigmer_tui.api.agent_execution_pb2_grpc import (
    AgentExecutionCommandControllerStub,
    AgentExecutionQueryControllerStub,
)
from stigmer_tui.api.api_resource_pb2 import ApiResourceId, ApiResourceMetadata, ApiResourceOwnerScope
from stigmer_tui.api.kinds import API_VERSION, SESSION
from stigmer_tui.api.session_pb2 import ListSessionsRequest, Session, SessionId, SessionSpec
from stigmer_tui.api.session_pb2_grpc import SessionCommandControllerStub, SessionQueryControllerStub
from stigmer_tui.client.connection import Connection
from stigmer_tui.definition.extensions import FORK

MAX_SUBJECT_LENGTH = 80


async def conversation(connection: Connection, session_id: str) -> list[AgentExecution]:
    """The executions of a session, the oldest first; those of a fork begin with what was before it."""

    async def fetch(token: str) -> Iterable[AgentExecution]:
        return await _executions(connection, session_id, pages.MAX_ENTRIES, token)

    newest_first = [execution async for page in pages.pages(fetch) for execution in page]
    return newest_first[::-1]


async def newest_execution(connection: Connection, session_id: str) -> AgentExecution | None:
    """The last one of its conversation; None if there is none."""
    return next(iter(await _executions(connection, session_id, 1)), None)


async def _executions(connection: Connection, session_id: str, count: int, token: str = "") -> Sequence[AgentExecution]:
    """The newest first."""
    request = ListAgentExecutionsBySessionRequest(session_id=session_id, page_size=count, page_token=token)
    return (
        await connection.call(lambda channel: AgentExecutionQueryControllerStub(channel).listBySession, request)
    ).entries


async def get(connection: Connection, session_id: str) -> Session:
    """Raises NotFound."""
    return await connection.call(lambda channel: SessionQueryControllerStub(channel).get, SessionId(value=session_id))


async def newest(connection: Connection, count: int) -> list[Session]:
    """The newest sessions first, at most `count`."""

    async def fetch(token: str) -> Iterable[Session]:
        request = ListSessionsRequest(page_size=min(count, pages.MAX_ENTRIES), page_token=token)
        return (await connection.call(lambda channel: SessionQueryControllerStub(channel).list, request)).entries

    found: list[Session] = []
    async with aclosing(pages.pages(fetch)) as listed:
        async for page in listed:
            found += page
            if len(found) >= count:
                break
    return found[:count]


async def create(connection: Connection, agent_instance_id: str, org: str, message: str = "") -> Session:
    """Without an execution yet; `message` is the one that it begins with, where that is known."""
    # Unique, as names of sessions must be.
    metadata = ApiResourceMetadata(
        name=f"session-{uuid4().hex}", org=org, owner_scope=ApiResourceOwnerScope.organization
    )
    subject = message.partition("\n")[0][:MAX_SUBJECT_LENGTH]
    return await _created(connection, metadata, SessionSpec(agent_instance_id=agent_instance_id, subject=subject))


async def fork(connection: Connection, execution: AgentExecution) -> Session:
    """A new session whose conversation is that before an execution."""
    origin = await get(connection, execution.spec.session_id)
    spec = SessionSpec(
        agent_instance_id=origin.spec.agent_instance_id,
        subject=origin.spec.subject,
        metadata={FORK: f"{origin.metadata.id} {execution.metadata.id}"},
    )
    metadata = ApiResourceMetadata(
        # Unique, as names of sessions must be.
        name=f"fork-{execution.metadata.id[4:].lower()}-{uuid4().hex[:8]}",
        org=origin.metadata.org,
        owner_scope=origin.metadata.owner_scope,
    )
    return await _created(connection, metadata, spec)


async def _created(connection: Connection, metadata: ApiResourceMetadata, spec: SessionSpec) -> Session:
    return await connection.create(
        lambda channel: SessionCommandControllerStub(channel).create,
        Session(api_version=API_VERSION, kind=SESSION.name, metadata=metadata, spec=spec),
    )


async def rename(connection: Connection, session: Session, subject: str) -> Session:
    """Changes what it is called in lists."""
    renamed = Session()
    renamed.CopyFrom(session)
    renamed.spec.subject = subject
    return await connection.call(lambda channel: SessionCommandControllerStub(channel).update, renamed)


async def delete(connection: Connection, session: Session) -> int:
    """Deletes a session with its own executions; returns how many these were. Raises StigmerError if forks need it."""
    of_session = [
        execution
        for execution in await conversation(connection, session.metadata.id)
        if execution.spec.session_id == session.metadata.id
    ]
    await connection.call(
        lambda channel: SessionCommandControllerStub(channel).delete, SessionId(value=session.metadata.id)
    )
    for execution in of_session:
        request = ApiResourceId(value=execution.metadata.id)
        await connection.call(lambda channel: AgentExecutionCommandControllerStub(channel).delete, request)
    return len(of_session)
