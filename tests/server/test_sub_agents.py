"""Runs of sub-agents: given out with their agent, in no list, and ended with it."""

from __future__ import annotations

import asyncio

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecutionId,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
)
from stigmer_tui.api.api_resource_pb2 import ApiResourceId
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, CancelRequest
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment, Hello, StartSubAgentRequest
from tests.server.builders import agent, agent_run, values
from tests.server.conftest import Api
from tests.server.runner import attached

DONE = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)


async def agent_execution(api: Api, **spec: object) -> str:
    stored = await api.agents.apply(agent())
    return (await api.agent_runs.create(agent_run(stored.metadata.id, **spec))).metadata.id  # type: ignore[arg-type]


async def started(api: Api, lease_id: str, key: str = "call-1") -> Assignment:
    request = StartSubAgentRequest(lease_id=lease_id, key=key, message="Read it", agent=agent("reader"))
    return await api.runners.startSubAgent(request)


async def phase(api: Api, execution_id: str) -> Phase:
    return Phase((await api.agent_run_queries.get(AgentExecutionId(value=execution_id))).status.phase)


async def test_a_sub_agent_has_a_lease_and_the_variables_of_its_agent(api: Api) -> None:
    await agent_execution(api, runtime_env=values(REGION="eu", TOKEN_SECRET="hunter2"))
    async with attached(api, Hello.AGENTS, capacity=1) as runner:
        whole = await runner.assignment()
        part = await started(api, whole.lease_id)
        assert part.agent.agent.metadata.name == "reader"
        assert part.agent.execution.spec.message == "Read it"
        assert part.environment == whole.environment
        await runner.report(part.lease_id, DONE)
        assert await phase(api, part.agent.execution.metadata.id) is Phase.COMPLETED
        await runner.report(whole.lease_id, DONE)


async def test_the_same_key_is_the_same_sub_agent_and_one_that_has_ended_has_no_lease(api: Api) -> None:
    await agent_execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        first, again, other = [await started(api, lease, key) for key in ("a", "a", "b")]
        ids = [part.agent.execution.metadata.id for part in (first, again, other)]
        assert ids[0] == ids[1] != ids[2]
        await runner.report(again.lease_id, DONE)
        ended = await started(api, lease, "a")
        assert (ended.lease_id, ended.agent.execution.metadata.id) == ("", ids[0])


async def test_a_sub_agent_is_not_given_out_by_itself_and_continues_with_its_agent(api: Api) -> None:
    await agent_execution(api)
    async with attached(api, Hello.AGENTS) as first:
        part = await started(api, (await first.assignment()).lease_id)
    async with attached(api, Hello.AGENTS) as second:
        whole = await second.assignment()
        assert whole.agent.agent.metadata.name == "helper"
        again = await started(api, whole.lease_id)
        assert again.agent.execution.metadata.id == part.agent.execution.metadata.id
        assert again.attempt == 2
        await second.report(again.lease_id, DONE)
        await second.report(whole.lease_id, DONE)


async def test_sub_agents_take_no_room_from_agents(api: Api) -> None:
    await agent_execution(api)
    await agent_execution(api)
    async with attached(api, Hello.AGENTS, capacity=1) as runner:
        whole = await runner.assignment()
        part = await started(api, whole.lease_id)
        await runner.report(whole.lease_id, DONE)
        await runner.assignment()
        assert part.lease_id


async def test_a_sub_agent_is_in_no_list_and_deleted_with_its_agent(api: Api) -> None:
    execution_id = await agent_execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        whole = await runner.assignment()
        part = await started(api, whole.lease_id)
        await runner.report(part.lease_id, DONE)
        await runner.report(whole.lease_id, DONE)
    listed = await api.agent_run_queries.list(ListAgentExecutionsRequest())
    assert [entry.metadata.id for entry in listed.entries] == [execution_id]
    session = ListAgentExecutionsBySessionRequest(session_id=whole.agent.execution.spec.session_id)
    assert [each.metadata.id for each in (await api.agent_run_queries.listBySession(session)).entries] == [execution_id]
    await api.agent_runs.delete(ApiResourceId(value=execution_id))
    assert api.server.executions.store.load(part.agent.execution.metadata.id) is None


async def test_a_sub_agent_ends_with_its_agent(api: Api) -> None:
    execution_id = await agent_execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        whole = await runner.assignment()
        part = await started(api, whole.lease_id)
        await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="enough"))
        cancelled = AgentExecutionDelta(phase=Phase.CANCELLED.for_agent)
        assert (await runner.cancel()).lease_id == whole.lease_id
        await runner.report(whole.lease_id, cancelled)
        async with asyncio.timeout(60):
            assert (await runner.cancel()).lease_id == part.lease_id
        await runner.report(part.lease_id, cancelled)
        assert await phase(api, part.agent.execution.metadata.id) is Phase.CANCELLED
