"""What the server itself knows of its runners: what waits for them, and their restart."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecutionId
from stigmer_tui.api.daemon_pb2 import Component, RestartRequest, StatusRequest
from stigmer_tui.api.daemon_pb2_grpc import DaemonControllerStub
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from tests.server.builders import agent, agent_run
from tests.server.conftest import Api
from tests.server.runner import attached


@pytest.fixture
def runner_statuses(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    components = [Component(name="workflow-runner"), Component(name="agent-runner")]
    monkeypatch.setattr(api.processes, "statuses", lambda: components)


@pytest.mark.usefixtures("runner_statuses")
async def test_what_waits_for_a_runner_is_counted(api: Api) -> None:
    stored = await api.agents.apply(agent())
    for _ in range(2):
        await api.agent_runs.create(agent_run(stored.metadata.id))
    status = await DaemonControllerStub(api.channel).status(StatusRequest())
    assert [(component.name, component.queued) for component in status.components] == [
        ("workflow-runner", 0),
        ("agent-runner", 2),
    ]
    assert (status.engine, status.free_bytes > 0) == ("embedded", True)


async def test_after_a_restart_executions_wait_for_a_runner_that_was_given_up(api: Api) -> None:
    stored = await api.agents.apply(agent())
    api.server.leases.fail_kind(Hello.AGENTS, "The agent runner cannot start")
    await DaemonControllerStub(api.channel).restart(RestartRequest(component="agent-runner"))
    assert api.processes.restarted == ["agent-runner"]
    created = await api.agent_runs.create(agent_run(stored.metadata.id))
    async with attached(api, Hello.Kind.AGENTS) as runner:
        assignment = await runner.assignment()
        assert assignment.agent.execution.metadata.id == created.metadata.id
    found = await api.agent_run_queries.get(AgentExecutionId(value=created.metadata.id))
    assert Phase(found.status.phase) is not Phase.FAILED


@pytest.mark.parametrize("name", ["", "server", "agents"])
async def test_only_runners_are_restarted(api: Api, name: str) -> None:
    with pytest.raises(AioRpcError) as raised:
        await DaemonControllerStub(api.channel).restart(RestartRequest(component=name))
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "component: must be one of workflow-runner, agent-runner" in str(raised.value.details())
    assert api.processes.restarted == []
