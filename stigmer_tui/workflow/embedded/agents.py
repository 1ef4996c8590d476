"""Agents that a workflow calls: each call is one execution of its own, started once and followed to its end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import grpc
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionId, MessageType
from stigmer_tui.api.agent_execution_pb2_grpc import AgentExecutionQueryControllerStub
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.execution_pb2 import CancelRequest, FollowRequest, FollowResponse
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import StartAgentRequest
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.core.units import duration_text
from stigmer_tui.runners.journal import ExecutionJournal
from stigmer_tui.runners.lease import Lease, StopReason
from stigmer_tui.workflow.context import AgentRequest, AgentResponse, WatchChild
from stigmer_tui.workflow.embedded.engine import Engine
from stigmer_tui.workflow.failures import AGENT, TaskFailure
from stigmer_tui.workflow.secrets import Secrets

FOLLOW_INTERVAL = 50
"""Milliseconds between two messages of a stream of which only the end matters."""

RECONNECT_PAUSE = 0.1
"""Seconds after a stream was lost; a server that is not there at all is waited for without any."""

CANCEL_LIMIT = 2.0
"""Seconds for asking the server to end an agent; it ends what belongs to a cancelled workflow by itself too."""

LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}


class ChildAgents:
    """A call has a step in the journal: begun with the moment at which its time is over, done with its outcome."""

    def __init__(self, engine: Engine, lease: Lease, journal: ExecutionJournal, secrets: Secrets) -> None:
        self._engine = engine
        self._lease = lease
        self._journal = journal
        self._secrets = secrets
        self._executions = ExecutionControllerStub(engine.channel)
        self._query = AgentExecutionQueryControllerStub(engine.channel)

    async def run(self, key: str, request: AgentRequest, watch: WatchChild) -> AgentResponse:
        """Raises TaskFailure when the agent does not complete, or not in time."""
        step = f"{key}//agent"
        recorded = self._journal.find(step)
        if recorded is not None and recorded.done:
            return self._recorded(recorded.value, watch)
        if recorded is not None:
            deadline = datetime.fromisoformat(recorded.value["deadline"])
        else:
            deadline = self._engine.clock.now() + timedelta(seconds=request.timeout)
            self._journal.note(step, {"deadline": deadline.isoformat()}, done=False)
        child = ""
        try:
            child = await self._start(key, request)
            watch(child)
            answer = await self._await_answer(child, request, deadline if request.timeout else None)
        except TaskFailure as failure:
            self._journal.note(step, {"child": child, "failure": failure.to_data()})
            raise
        self._journal.note(step, {"child": child, "answer": asdict(answer)})
        return answer

    async def _start(self, key: str, request: AgentRequest) -> str:
        """The id of the agent's execution. However often it is asked for with one key, there is one."""
        environment = {
            name: ExecutionValue(value=self._secrets.reveal_text(value), is_secret=self._secrets.are_in(value))
            for name, value in request.environment.items()
        }
        for name in self._secrets.names_in(request.message):
            # The runner of the agent can only hide what it knows to be a secret.
            value = self._secrets.reveal_text(self._secrets.marks[name])
            environment.setdefault(name, ExecutionValue(value=value, is_secret=True))
        start = StartAgentRequest(
            key=key,
            agent=request.agent,
            message=self._secrets.reveal_text(request.message),
            environment=environment,
            config=AgentExecutionConfig(model=request.model, timeout=request.timeout, temperature=request.temperature),
        )
        try:
            execution = await self._lease.start_agent(start)
        except AioRpcError as error:
            raise TaskFailure(AGENT, f"the agent {request.agent} cannot be started: {error.details()}") from error
        return execution.metadata.id

    async def _await_answer(self, child: str, request: AgentRequest, deadline: datetime | None) -> AgentResponse:
        rest = None if deadline is None else (deadline - self._engine.clock.now()).total_seconds()
        try:
            async with asyncio.timeout(rest):
                execution = await self._follow(child)
        except TimeoutError:
            limit = duration_text(request.timeout)
            await self._cancel(child, f"no answer within {limit}")
            raise TaskFailure(AGENT, f"the agent {request.agent} gave no answer within {limit}") from None
        except asyncio.CancelledError:
            if self._lease.ending is StopReason.CANCELLED:
                await self._cancel(child, self._lease.reason)
            raise
        status = execution.status
        match Phase(status.phase):
            case Phase.COMPLETED:
                return AgentResponse(child, self._secrets.clean(_last_words(execution)))
            case Phase.CANCELLED:
                raise TaskFailure(AGENT, f"the agent {request.agent} was cancelled")
            case _:
                reason = self._secrets.hide(status.error) or "it did not say why"
                raise TaskFailure(AGENT, f"the agent {request.agent} failed: {reason}")

    async def _follow(self, child: str) -> AgentExecution:
        """The execution as it is at its end. A stream that is lost is taken up again."""
        version = 0
        while True:
            request = FollowRequest(execution_id=child, after_version=version, interval_ms=FOLLOW_INTERVAL)
            stream = self._executions.follow(request, wait_for_ready=True)
            try:
                async for change in stream:
                    version = change.version
                    if _phase(change).is_final:
                        break
                execution = await self._query.get(AgentExecutionId(value=child), wait_for_ready=True)
                if Phase(execution.status.phase).is_final:
                    return execution
            except AioRpcError as error:
                if error.code() not in LOST:
                    message = f"the execution {child} cannot be followed: {error.details()}"
                    raise TaskFailure(AGENT, message) from error
            finally:
                stream.cancel()
            await self._engine.sleep(RECONNECT_PAUSE)

    async def _cancel(self, child: str, reason: str) -> None:
        with suppress(AioRpcError):
            await self._executions.cancel(CancelRequest(execution_id=child, reason=reason), timeout=CANCEL_LIMIT)

    def _recorded(self, value: Any, watch: WatchChild) -> AgentResponse:
        if value["child"]:
            watch(value["child"])
        if "failure" in value:
            raise TaskFailure.from_data(value["failure"])
        return AgentResponse(**value["answer"])


def _phase(change: FollowResponse) -> Phase:
    match change.WhichOneof("change"):
        case "agent_snapshot":
            return Phase(change.agent_snapshot.status.phase)
        case "agent_delta":
            return Phase(change.agent_delta.phase)
        case _:
            return Phase.UNSPECIFIED


def _last_words(execution: AgentExecution) -> str:
    """The last text that the agent wrote."""
    texts = (
        message.content
        for message in reversed(execution.status.messages)
        if message.type == MessageType.MESSAGE_AI and message.content
    )
    return next(texts, "")
