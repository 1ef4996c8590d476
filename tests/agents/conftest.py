"""Agents that run for real, on a lease whose reports go to a ledger instead of a server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NoReturn, cast

import pytest
from grpc.aio import Channel

from stigmer_tui.agents.approvals import Decide
from stigmer_tui.agents.loop import AgentLoop
from stigmer_tui.agents.mcp.surroundings import ServerLimits
from stigmer_tui.agents.models import failures
from stigmer_tui.agents.models.current import CurrentModels
from stigmer_tui.agents.sandbox.confinement import Confinement
from stigmer_tui.agents.scripts.recordings import Recordings
from stigmer_tui.agents.worker import Worker
from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionSpec,
    AgentExecutionStatus,
    ExecutionConfig,
)
from stigmer_tui.api.agent_pb2 import Agent, AgentSpec
from stigmer_tui.api.api_resource_pb2 import ApiResourceMetadata, ApiResourceReference
from stigmer_tui.api.approval_pb2 import Decision
from stigmer_tui.api.execution_context_pb2 import ExecutionValue
from stigmer_tui.api.runner_pb2 import (
    AgentAssignment,
    Assignment,
    ReportRequest,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
)
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.core import settings
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.configuration import AnswerSettings, Configuration, ModelSettings
from stigmer_tui.core.paths import Home
from stigmer_tui.core.stored_keys import KeyStore
from stigmer_tui.definition.extensions import SCRIPT
from stigmer_tui.definition.skill_archive import SkillFile
from stigmer_tui.runners.journal import Journal
from stigmer_tui.runners.lease import Lease, ServerCalls, StopReason, Work
from tests.agents.ledger import Ledger
from tests.core.memory_keyring import MemoryKeyring

EXECUTION = f"agx_{os.getpid()}"
"""The execution of an assignment: one that no other process of the tests has, for commands are ended by its name."""


class TickingClock:
    """Every look at it is a second later, so that no two times are equal."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 21, 10, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()


async def nobody_decides(lease: Lease, call_id: str) -> Decision:
    raise NotImplementedError


@dataclass
class Agents:
    """A runner's worker, without the runner."""

    home: Home
    settings: ModelSettings = field(default_factory=ModelSettings)
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": os.environ["PATH"]})
    confinement: Confinement = field(default_factory=Confinement)
    channel: Channel | None = None
    clock: TickingClock = field(default_factory=TickingClock)
    server_limits: ServerLimits = field(default_factory=ServerLimits)
    approve: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    history_tokens: int = 0
    answers: AnswerSettings = field(default_factory=AnswerSettings)
    decide: Decide = field(default_factory=lambda: nobody_decides)
    journal: Journal = field(init=False)
    keys: KeyStore = field(init=False)
    sub_agents: list[StartSubAgentRequest] = field(default_factory=list)
    """Every request for one."""
    skills: dict[tuple[str, str], tuple[SkillFile, ...]] = field(default_factory=dict)
    """Files by name and version."""
    parts: dict[str, Ledger] = field(default_factory=dict)
    """What sub-agents have reported, by the ids of their calls."""

    async def fetch_skill(self, lease: Lease, reference: ApiResourceReference) -> tuple[SkillFile, ...] | None:
        return self.skills.get((reference.slug, reference.version))

    def __post_init__(self) -> None:
        self.keys = KeyStore(self.home, MemoryKeyring())
        self.journal = Journal(self.home.journals / "agents.db")

    def worker(self) -> Worker:
        configuration = Configuration(
            self.home,
            model=self.settings,
            approve=self.approve,
            history_tokens=self.history_tokens,
            answers=self.answers,
        )
        configured = {
            settings.PROVIDER: self.settings.provider,
            settings.MODEL: self.settings.model,
            settings.BASE_URL: self.settings.base_url,
            settings.SCRIPT: str(self.settings.script or ""),
        }
        variables = {setting.variable: text for setting, text in configured.items() if text}
        models = CurrentModels(self.home, {**self.environment, **variables}, self.keys)
        loop = asyncio.create_task(self._loop())
        recordings = Recordings(configuration.home.recordings)
        return Worker(
            configuration,
            self.environment,
            models,
            self.confinement,
            self.journal,
            loop,
            recordings,
            self.fetch_skill,
            self.server_limits,
        )

    async def _loop(self) -> AgentLoop:
        return AgentLoop(cast(Channel, self.channel), self.decide)

    def lease(self, assignment: Assignment, ledger: Ledger) -> Lease:
        async def send(request: ReportRequest) -> None:
            await ledger.receive(request)

        async def start_child(request: StartAgentRequest | StartWorkflowRequest) -> NoReturn:
            raise NotImplementedError

        async def run_sub_agent(request: StartSubAgentRequest, work: Work) -> Assignment:
            self.sub_agents.append(request)
            execution_id = f"{lease.execution_id}-{request.key}"
            part = self.parts.setdefault(execution_id.removeprefix(f"{EXECUTION}-"), Ledger())
            given = Assignment(
                environment=assignment.environment,
                attempt=assignment.attempt,
                agent=AgentAssignment(
                    agent=request.agent,
                    execution=AgentExecution(
                        metadata=ApiResourceMetadata(id=execution_id),
                        spec=AgentExecutionSpec(message=request.message),
                        status=part.status,
                    ),
                ),
            )
            if not part.phase.is_final:
                given.lease_id = request.key
                child = self.lease(given, part)
                child.task = asyncio.create_task(work(child))  # type: ignore[arg-type]
                try:
                    await asyncio.shield(child.task)
                except asyncio.CancelledError:
                    child.stop(lease.ending or StopReason.CANCELLED, lease.reason)
                    await asyncio.wait([child.task])
                    raise
            return given

        lease = Lease(assignment, ServerCalls(send, start_child, start_child, run_sub_agent), self.clock)
        return lease

    def start(self, assignment: Assignment, ledger: Ledger) -> Lease:
        """The work goes on in `lease.task`."""
        lease = self.lease(assignment, ledger)
        lease.task = asyncio.create_task(self.worker().work(lease))
        return lease

    async def run(self, assignment: Assignment) -> Ledger:
        """To its end."""
        ledger = Ledger()
        lease = self.start(assignment, ledger)
        assert lease.task is not None
        async with asyncio.timeout(60):
            await lease.task
        return ledger

    @property
    def folder(self) -> Path:
        """Where the agent of an assignment works."""
        return self.home.workspace / EXECUTION


@pytest.fixture
async def agents(tmp_path: Path) -> AsyncIterator[Agents]:
    home = Home(tmp_path / "home")
    home.prepare()
    agents = Agents(home)
    yield agents
    agents.journal.close()


def assignment(
    script: str = "",
    message: str = "Hello",
    agent: AgentSpec | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    config: AgentExecutionConfig | None = None,
    execution_id: str = EXECUTION,
    session_id: str = "",
    attempt: int = 1,
    status: AgentExecutionStatus | None = None,
    annotations: Mapping[str, str] | None = None,
    model: str = "",
) -> Assignment:
    values = {name: ExecutionValue(value=value) for name, value in (environment or {}).items()}
    values |= {name: ExecutionValue(value=value, is_secret=True) for name, value in (secrets or {}).items()}
    annotations = {SCRIPT: script, **(annotations or {})} if script else annotations
    return Assignment(
        lease_id="lease",
        attempt=attempt,
        environment=values,
        agent=AgentAssignment(
            execution=AgentExecution(
                metadata=ApiResourceMetadata(id=execution_id),
                spec=AgentExecutionSpec(
                    message=message, session_id=session_id, execution_config=ExecutionConfig(model_name=model)
                ),
                status=status,
            ),
            agent=Agent(
                metadata=ApiResourceMetadata(name="helper", slug="helper", annotations=annotations),
                spec=agent or AgentSpec(instructions="Answer in one sentence."),
            ),
            config=config,
        ),
    )


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that failed are asked again at once."""
    monkeypatch.setattr(failures, "PAUSES", (0.0, 0.0))
