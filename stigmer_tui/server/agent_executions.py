"""Agent executions: created by clients and by tasks, worked on by the agent runner.

See `docs/compatibility.md` 117, 122, 123, 126.
"""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial
from typing import cast

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionId,
    AgentExecutionList,
    AgentExecutionSpec,
    AgentExecutionUpdateStatusInput,
    ExecutionConfig,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
)
from stigmer_tui.api.agent_instance_pb2 import AgentInstance
from stigmer_tui.api.agent_pb2 import Agent
from stigmer_tui.api.api_resource_pb2 import ApiResourceId, ApiResourceMetadata
from stigmer_tui.api.kinds import AGENT, AGENT_EXECUTION, AGENT_INSTANCE, API_VERSION, SESSION
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import AgentAssignment, Assignment, StartAgentRequest
from stigmer_tui.api.session_pb2 import Session
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.core.ids import canonical_id
from stigmer_tui.definition import extensions
from stigmer_tui.server.agents import Agents
from stigmer_tui.server.approved_tools import check_approve
from stigmer_tui.server.attached_files import AttachedFiles
from stigmer_tui.server.compatibility import merge_agent_status
from stigmer_tui.server.errors import invalid, not_found
from stigmer_tui.server.execution_calls import ExecutionCalls
from stigmer_tui.server.execution_store import ExecutionFilter, NewExecution, Stretch
from stigmer_tui.server.executions import LiveExecution
from stigmer_tui.server.resource_store import ResourceRow
from stigmer_tui.server.resources import note_created
from stigmer_tui.server.sessions import Sessions
from stigmer_tui.server.skill_pins import with_pinned_skills
from stigmer_tui.server.skills import Skills

MAX_SUBJECT_LENGTH = 80


@dataclass(frozen=True, slots=True)
class ExecutionOrigin:
    """The task of a workflow execution that starts an agent."""

    parent: str = ""
    key: str = ""
    config: AgentExecutionConfig | None = None


class AgentExecutions:
    def __init__(
        self, calls: ExecutionCalls, agents: Agents, sessions: Sessions, skills: Skills, files: AttachedFiles
    ) -> None:
        self._calls = calls
        self._agents = agents
        self._sessions = sessions
        self._skills = skills
        self._files = files

    async def create(self, request: AgentExecution) -> AgentExecution:
        return self._calls.started(AGENT_EXECUTION) or await self._create(request, ExecutionOrigin())

    async def start_for_task(self, parent: LiveExecution, request: StartAgentRequest) -> AgentExecution:
        """Idempotent by key, so that a restarted runner may ask again."""
        if existing := self._calls.executions.store.child(parent.id, request.key):
            return await self.get(AgentExecutionId(value=existing))
        metadata = parent.state.execution.metadata
        agent = self._agents.store.find(AGENT, request.agent, metadata.org)
        agent = agent or self._agents.store.find(AGENT, request.agent)
        if agent is None:
            raise not_found(AGENT.noun, request.agent)
        execution = AgentExecution(
            api_version=API_VERSION,
            kind=AGENT_EXECUTION.name,
            metadata=ApiResourceMetadata(
                name=f"{request.agent} for {request.key}",
                org=metadata.org,
                annotations=extensions.inherited(metadata.annotations),
            ),
            spec=AgentExecutionSpec(
                agent_id=agent.metadata.id,
                message=request.message,
                execution_config=ExecutionConfig(model_name=request.config.model),
                runtime_env=request.environment,
            ),
        )
        return await self._create(execution, ExecutionOrigin(parent.id, request.key, request.config))

    async def update_status(self, request: AgentExecutionUpdateStatusInput) -> AgentExecution:
        live = self._calls.open(AGENT_EXECUTION, request.execution_id)
        merge = partial(merge_agent_status, sent=request.status)
        return cast("AgentExecution", await self._calls.executions.edit(live, merge))

    async def update(self, request: AgentExecution) -> AgentExecution:
        return cast("AgentExecution", await self._calls.update(AGENT_EXECUTION, request))

    async def get(self, request: AgentExecutionId) -> AgentExecution:
        return _agent(self._calls.open(AGENT_EXECUTION, request.value))

    async def delete(self, request: ApiResourceId) -> AgentExecution:
        return cast("AgentExecution", await self._calls.delete(AGENT_EXECUTION, request.value))

    def subscribe(self, request: AgentExecutionId) -> AsyncIterator[AgentExecution]:
        return self._calls.subscribe(AGENT_EXECUTION, request.value)

    async def list(self, request: ListAgentExecutionsRequest) -> AgentExecutionList:
        wanted = ExecutionFilter(AGENT_EXECUTION, request.phase, frozenset(request.tags))
        entries, pages = self._calls.list(wanted, request.page_size, request.page_token)
        return AgentExecutionList(total_pages=pages, entries=cast("Iterable[AgentExecution]", entries))

    async def list_by_session(self, request: ListAgentExecutionsBySessionRequest) -> AgentExecutionList:
        """With messages: clients read a conversation by this list. That of a fork begins with what was before it."""
        session = self._sessions.store.get(SESSION, canonical_id(request.session_id))
        # Its executions may outlive it.
        stretches = self._sessions.stretches(session) if session else [Stretch(canonical_id(request.session_id))]
        wanted = ExecutionFilter(AGENT_EXECUTION, stretches=tuple(stretches))
        entries, pages = self._calls.list(wanted, request.page_size, request.page_token, whole=True)
        return AgentExecutionList(total_pages=pages, entries=cast("Iterable[AgentExecution]", entries))

    async def _create(self, request: AgentExecution, origin: ExecutionOrigin) -> AgentExecution:
        """Uses the named session, else a new one with the agent's default instance."""
        execution = copy.deepcopy(request)
        spec = execution.spec
        files = self._files.take_out(execution.metadata.annotations)
        opens_session = not spec.session_id
        session = self._open_session(execution) if opens_session else self._sessions.load(spec.session_id)
        instance: AgentInstance | None = self._agents.store.get(AGENT_INSTANCE, session.spec.agent_instance_id)
        if instance is None:
            raise not_found(AGENT_INSTANCE.noun, session.spec.agent_instance_id)
        agent = await with_pinned_skills(self._agents.load(instance.spec.agent_id), self._skills)
        if not origin.parent:
            # Those of a task name tools of every agent of the workflow, and were checked with it.
            check_approve(execution.metadata, [agent], agent.metadata.name)
        self._calls.name(AGENT_EXECUTION, execution.metadata)
        spec.session_id = session.metadata.id
        spec.agent_id = agent.metadata.id
        note_agent(execution, agent)
        execution.metadata.annotations.pop(extensions.FOLDER, None)
        if (folder := self._sessions.folder(session)) != session.metadata.id:
            execution.metadata.annotations[extensions.FOLDER] = folder
        execution.ClearField("status")
        execution.status.phase = Phase.PENDING.for_agent
        note_created(execution, self._calls.clock)
        assignment = Assignment(agent=AgentAssignment(agent=agent, config=origin.config, opens_session=opens_session))
        await self._calls.environments.seal(execution, agent, instance, assignment)
        new_rows = []
        if opens_session:
            # Only now that the message contains no secret.
            session.spec.subject = spec.message.partition("\n")[0][:MAX_SUBJECT_LENGTH]
            new_rows.append(ResourceRow(SESSION, session, session.spec.agent_instance_id))
        new = NewExecution(
            execution=execution,
            assignment=assignment,
            resource=agent.metadata.id,
            slug=agent.metadata.slug,
            session=session.metadata.id,
            parent=origin.parent,
            parent_key=origin.key,
            files=files,
        )
        return cast("AgentExecution", await self._calls.start(new, *new_rows))

    def _open_session(self, execution: AgentExecution) -> Session:
        if not execution.spec.agent_id:
            raise invalid("spec: session_id or agent_id is required")
        agent = self._agents.load(execution.spec.agent_id)
        return self._sessions.opened(agent.status.default_instance_id, execution.metadata.org or agent.metadata.org)


def note_agent(execution: AgentExecution, agent: Agent) -> None:
    """Notes which version of the agent an execution runs, so that a conversation can show where it has changed."""
    digest = hashlib.sha256(agent.spec.SerializeToString(deterministic=True))
    digest.update(json.dumps(sorted(agent.metadata.annotations.items())).encode())
    execution.metadata.annotations[extensions.CODE] = digest.hexdigest()[:16]


def _agent(live: LiveExecution) -> AgentExecution:
    return cast("AgentExecution", live.state.execution)
