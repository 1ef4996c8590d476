"""The smallest server that a runner can attach to: it assigns, keeps ledgers, and knows old executions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionList,
    ListAgentExecutionsBySessionRequest,
)
from stigmer_tui.api.agent_execution_pb2_grpc import (
    AgentExecutionQueryControllerServicer,
    add_AgentExecutionQueryControllerServicer_to_server,
)
from stigmer_tui.api.execution_pb2 import AttachedFileContent, AttachedFileQuery
from stigmer_tui.api.execution_pb2_grpc import (
    ExecutionControllerServicer,
    add_ExecutionControllerServicer_to_server,
)
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    Hello,
    ReportRequest,
    ReportResponse,
    RunnerMessage,
    ServerMessage,
    Welcome,
)
from stigmer_tui.api.runner_pb2_grpc import RunnerControllerServicer, add_RunnerControllerServicer_to_server
from tests.agents.ledger import Ledger


@dataclass
class Controller(RunnerControllerServicer, AgentExecutionQueryControllerServicer, ExecutionControllerServicer):
    address: str = ""
    sessions: list[AgentExecution] = field(default_factory=list)
    ledgers: dict[str, Ledger] = field(default_factory=dict)
    """By lease. A lease that is not in it is lost."""
    hellos: asyncio.Queue[Hello] = field(default_factory=asyncio.Queue)
    listed: list[str] = field(default_factory=list)
    """Ids of the executions that were read."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Contents of attached files, by their hashes."""
    _outgoing: asyncio.Queue[ServerMessage] = field(default_factory=asyncio.Queue)

    def assign(self, assignment: Assignment, ledger: Ledger) -> None:
        """To the runner that is attached."""
        self.ledgers[assignment.lease_id] = ledger
        self._outgoing.put_nowait(ServerMessage(assignment=assignment))

    async def attach(
        self, request_iterator: AsyncIterator[RunnerMessage], context: Any
    ) -> AsyncIterator[ServerMessage]:
        self.hellos.put_nowait((await anext(aiter(request_iterator))).hello)
        yield ServerMessage(welcome=Welcome())
        while True:
            yield await self._outgoing.get()

    async def report(self, request: ReportRequest, context: Any) -> ReportResponse:
        if request.lease_id not in self.ledgers:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the lease is over")
        ledger = self.ledgers[request.lease_id]
        await ledger.receive(request)
        return ReportResponse(version=len(ledger.reports))

    async def attachedFile(self, request: AttachedFileQuery, context: Any) -> AttachedFileContent:  # noqa: N802
        return AttachedFileContent(content=self.files[request.hash])

    async def listBySession(  # noqa: N802
        self, request: ListAgentExecutionsBySessionRequest, context: Any
    ) -> AgentExecutionList:
        of_session = [execution for execution in self.sessions if execution.spec.session_id == request.session_id]
        newest_first = sorted(of_session, key=lambda execution: execution.metadata.id, reverse=True)
        token = request.page_token
        found = [execution for execution in newest_first if not token or execution.metadata.id < token]
        page = found[: request.page_size]
        self.listed += [execution.metadata.id for execution in page]
        return AgentExecutionList(entries=page, total_pages=1)


@asynccontextmanager
async def controller(sessions: Sequence[AgentExecution] = ()) -> AsyncIterator[Controller]:
    it = Controller(sessions=list(sessions))  # type: ignore[abstract]  # Runners call no more.
    server = grpc.aio.server()
    add_RunnerControllerServicer_to_server(it, server)
    add_AgentExecutionQueryControllerServicer_to_server(it, server)
    add_ExecutionControllerServicer_to_server(it, server)
    it.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield it
    finally:
        await server.stop(grace=None)
