"""Runs in which tools are to wait for approval that there are not."""

from __future__ import annotations

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_pb2 import McpServerDefinition, StdioServer
from stigmer_tui.api.api_resource_pb2 import WorkflowTaskKind
from stigmer_tui.api.runner_pb2 import Hello, StartAgentRequest
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_pb2 import Workflow, WorkflowTask
from stigmer_tui.definition.extensions import APPROVE
from tests.server.builders import agent, agent_run, workflow, workflow_run
from tests.server.conftest import Api
from tests.server.runner import attached


async def run_agent(api: Api, approve: str, *servers: McpServerDefinition) -> None:
    definition = agent()
    definition.spec.mcp_servers.extend(servers)
    stored = await api.agents.apply(definition)
    run = agent_run(stored.metadata.id)
    run.metadata.annotations[APPROVE] = approve
    await api.agent_runs.create(run)


def notes(*tools: str) -> McpServerDefinition:
    return McpServerDefinition(name="notes", stdio=StdioServer(command="notes"), enabled_tools=tools)


@pytest.mark.parametrize("approve", ["execute", "all", "none", "task,write_todos", "add"])
async def test_tools_that_an_agent_has(api: Api, approve: str) -> None:
    await run_agent(api, approve, notes("add"))


async def test_a_tool_that_it_has_not_is_refused_with_the_nearest(api: Api) -> None:
    with pytest.raises(AioRpcError) as refusal:
        await run_agent(api, "execute,excute")
    assert refusal.value.code() is StatusCode.INVALID_ARGUMENT
    details = str(refusal.value.details())
    assert details.startswith(
        "approve: helper has no tool excute; did you mean execute? Its tools: edit_file, execute,"
    )
    with pytest.raises(AioRpcError, match=r"helper has no tool unheard\. Its tools: add, edit_file"):
        await run_agent(api, "unheard", notes("add"))
    with pytest.raises(AioRpcError, match="all and none stand alone"):
        await run_agent(api, "all,execute")


async def test_what_only_a_running_server_knows_is_left_to_the_run(api: Api) -> None:
    await run_agent(api, "excute", notes())


def calling(*agents: str) -> Workflow:
    definition = workflow("calls")
    kind = WorkflowTaskKind.WORKFLOW_TASK_KIND_AGENT_CALL
    del definition.spec.tasks[:]
    for name in agents:
        config = to_struct({"agent": name, "message": "Hi"})
        definition.spec.tasks.append(WorkflowTask(name=f"ask-{name}", kind=kind, task_config=config))
    return definition


async def run_workflow(api: Api, approve: str, *agents: str) -> None:
    stored = await api.workflows.apply(calling(*agents))
    run = workflow_run(stored.metadata.id)
    run.metadata.annotations[APPROVE] = approve
    await api.workflow_runs.create(run)


async def test_a_run_of_a_workflow_names_tools_of_all_its_agents(api: Api) -> None:
    for name, tool in (("clerk", "add"), ("mailer", "send")):
        definition = agent(name)
        definition.spec.mcp_servers.append(notes(tool))
        await api.agents.apply(definition)
    await run_workflow(api, "add,send", "clerk", "mailer")
    with pytest.raises(AioRpcError, match=r"calls has no tool sned; did you mean send\?"):
        await run_workflow(api, "add,sned", "clerk", "mailer")
    # An agent that is not deployed yet may have any.
    await run_workflow(api, "add,sned", "clerk", "later")


async def test_a_task_may_have_an_agent_without_one_of_the_tools(api: Api) -> None:
    await api.agents.apply(agent("clerk"))
    definition = agent("mailer")
    definition.spec.mcp_servers.append(notes("send"))
    await api.agents.apply(definition)
    await run_workflow(api, "send", "clerk", "mailer")
    async with attached(api, Hello.WORKFLOWS) as runner:
        lease = (await runner.assignment()).lease_id
        request = StartAgentRequest(lease_id=lease, key="ask", agent="clerk", message="Hi")
        started = await api.runners.startAgent(request)
        assert started.metadata.annotations[APPROVE] == "send"
