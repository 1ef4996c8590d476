"""A real server on a free port, with a store of its own, and the stubs to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from grpc.aio import Channel

from stigmer_tui.api import (
    agent_execution_pb2_grpc,
    agent_instance_pb2_grpc,
    agent_pb2_grpc,
    approval_pb2_grpc,
    catalogue_pb2_grpc,
    daemon_pb2_grpc,
    environment_pb2_grpc,
    execution_context_pb2_grpc,
    execution_pb2_grpc,
    runner_pb2_grpc,
    session_pb2_grpc,
    skill_pb2_grpc,
    task_run_pb2_grpc,
    workflow_execution_pb2_grpc,
    workflow_instance_pb2_grpc,
    workflow_pb2_grpc,
)
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.daemon_processes import Ask, RunnerIdentity
from stigmer_tui.core.paths import Home
from stigmer_tui.server.leases import LeaseLimits
from stigmer_tui.server.server import Server, Settings, open_server


class NoKeyring:
    async def key(self) -> bytes | None:
        return None


class FixedKey:
    async def key(self) -> bytes | None:
        return bytes(range(32))


RUNNER_TOKEN = "given-to-the-runner"
OTHER_RUNNER_TOKEN = "given-to-another-runner"
RUNNERS = {RUNNER_TOKEN: RunnerIdentity("agent-runner", 4711), OTHER_RUNNER_TOKEN: RunnerIdentity("agent-runner", 4712)}


@dataclass
class NoProcesses:
    """Nobody supervises anything; the runners are made up by the tests."""

    changes: ChangeSignal = field(default_factory=ChangeSignal)
    probed: dict[RunnerIdentity, Ask] = field(default_factory=dict)
    restarted: list[str] = field(default_factory=list)

    def statuses(self) -> Sequence[Component]:
        return [Component(name="server", state=Component.READY, pid=1)]

    def identify(self, token: str) -> RunnerIdentity | None:
        return RUNNERS.get(token)

    def reported(self, runner: RunnerIdentity, ask: Ask) -> None:
        self.probed[runner] = ask
        self.changes.note()

    async def asked_by(self, runner: RunnerIdentity) -> Ask:
        """What probes a runner, once the server knows that it has come."""
        seen = 0
        while runner not in self.probed:
            seen = await self.changes.after(seen)
        return self.probed[runner]

    async def restart(self, name: str) -> None:
        self.restarted.append(name)


@dataclass
class Api:
    """Every service of the server, and the server itself for what has no service."""

    server: Server
    channel: Channel
    runner_channel: Channel
    """With the token of a runner."""
    processes: NoProcesses

    def __post_init__(self) -> None:
        channel = self.channel
        self.agents = agent_pb2_grpc.AgentCommandControllerStub(channel)
        self.agent_queries = agent_pb2_grpc.AgentQueryControllerStub(channel)
        self.agent_instances = agent_instance_pb2_grpc.AgentInstanceCommandControllerStub(channel)
        self.agent_instance_queries = agent_instance_pb2_grpc.AgentInstanceQueryControllerStub(channel)
        self.agent_runs = agent_execution_pb2_grpc.AgentExecutionCommandControllerStub(channel)
        self.agent_run_queries = agent_execution_pb2_grpc.AgentExecutionQueryControllerStub(channel)
        self.workflows = workflow_pb2_grpc.WorkflowCommandControllerStub(channel)
        self.workflow_queries = workflow_pb2_grpc.WorkflowQueryControllerStub(channel)
        self.workflow_instances = workflow_instance_pb2_grpc.WorkflowInstanceCommandControllerStub(channel)
        self.workflow_instance_queries = workflow_instance_pb2_grpc.WorkflowInstanceQueryControllerStub(channel)
        self.workflow_runs = workflow_execution_pb2_grpc.WorkflowExecutionCommandControllerStub(channel)
        self.workflow_run_queries = workflow_execution_pb2_grpc.WorkflowExecutionQueryControllerStub(channel)
        self.sessions = session_pb2_grpc.SessionCommandControllerStub(channel)
        self.session_queries = session_pb2_grpc.SessionQueryControllerStub(channel)
        self.environments = environment_pb2_grpc.EnvironmentCommandControllerStub(channel)
        self.environment_queries = environment_pb2_grpc.EnvironmentQueryControllerStub(channel)
        self.contexts = execution_context_pb2_grpc.ExecutionContextCommandControllerStub(channel)
        self.skills = skill_pb2_grpc.SkillCommandControllerStub(channel)
        self.skill_queries = skill_pb2_grpc.SkillQueryControllerStub(channel)
        self.executions = execution_pb2_grpc.ExecutionControllerStub(channel)
        self.catalogue = catalogue_pb2_grpc.CatalogueControllerStub(channel)
        self.daemon = daemon_pb2_grpc.DaemonControllerStub(channel)
        self.approvals = approval_pb2_grpc.ApprovalControllerStub(channel)
        self.approval_waits = approval_pb2_grpc.ApprovalRunnerControllerStub(self.runner_channel)
        self.task_runs = task_run_pb2_grpc.TaskRunControllerStub(channel)
        self.runners = runner_pb2_grpc.RunnerControllerStub(self.runner_channel)


@asynccontextmanager
async def running(
    folder: Path, token: str = "", plain: bool = False, keyring: bool = False, limits: LeaseLimits | None = None
) -> AsyncIterator[Api]:
    home = Home(folder)
    home.prepare()
    processes = NoProcesses()
    settings = Settings(home, ["127.0.0.1:0"], token, plain=plain, limits=limits or LeaseLimits())
    async with open_server(settings, processes, FixedKey() if keyring else NoKeyring()) as server:
        channel, runner_channel = open_channel(server.address, token), open_channel(server.address, RUNNER_TOKEN)
        yield Api(server, channel, runner_channel, processes)
        await channel.close()
        await runner_channel.close()


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as api:
        yield api
