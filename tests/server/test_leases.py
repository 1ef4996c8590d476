"""Leases: who works on what, and what happens when a runner or an execution goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecutionId, AgentMessage
from stigmer_tui.api.api_resource_kind_pb2 import ApiResourceKind
from stigmer_tui.api.execution_pb2 import (
    AgentExecutionDelta,
    CancelRequest,
    FollowRequest,
    MessageDelta,
    WorkflowExecutionDelta,
)
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Capacity, Hello, RunnerMessage, StartAgentRequest, StartWorkflowRequest
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecutionId
from stigmer_tui.server.leases import MAX_LOSSES, LeaseLimits
from tests.server.builders import agent, agent_run, values, workflow, workflow_run
from tests.server.conftest import RUNNER_TOKEN, RUNNERS, Api, running
from tests.server.runner import LIMIT, attached

DONE = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)


async def agent_execution(api: Api, **spec: object) -> str:
    stored = await api.agents.apply(agent())
    return (await api.agent_runs.create(agent_run(stored.metadata.id, **spec))).metadata.id  # type: ignore[arg-type]


async def workflow_execution(api: Api) -> str:
    stored = await api.workflows.apply(workflow())
    return (await api.workflow_runs.create(workflow_run(stored.metadata.id))).metadata.id


async def agent_phase(api: Api, execution_id: str) -> Phase:
    """Once it is final."""
    async for execution in api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id)):
        phase = Phase(execution.status.phase)
    return phase


async def test_an_assignment_has_the_agent_as_it_was_when_the_run_was_created(api: Api) -> None:
    await agent_execution(api)
    await api.agents.apply(agent(instructions="Answer in two sentences."))
    async with attached(api, Hello.AGENTS) as runner:
        assignment = await runner.assignment()
    assert assignment.agent.agent.spec.instructions == "Answer in one sentence."
    assert assignment.attempt == 1


async def test_a_lost_runner_is_followed_by_the_next(api: Api) -> None:
    execution_id = await agent_execution(api)
    async with attached(api, Hello.AGENTS) as first:
        lost = await first.assignment()
    async with attached(api, Hello.AGENTS) as second:
        taken = await second.assignment()
        assert (taken.attempt, taken.agent.execution.metadata.id) == (2, execution_id)
        with pytest.raises(AioRpcError) as error:
            await second.report(lost.lease_id, DONE)
        assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION
        await second.report(taken.lease_id, DONE)
    assert await agent_phase(api, execution_id) is Phase.COMPLETED


async def test_a_runner_learns_which_of_its_records_are_of_ended_executions(api: Api) -> None:
    waits, ended = await agent_execution(api), await agent_execution(api)
    await api.executions.cancel(CancelRequest(execution_id=ended))

    async def hello() -> AsyncIterator[RunnerMessage]:
        recorded = [waits, ended, "agx_unknown"]
        yield RunnerMessage(hello=Hello(kind=Hello.WORKFLOWS, capacity=1, recorded=recorded))

    async for message in api.runners.attach(hello()):
        assert list(message.welcome.ended) == [ended, "agx_unknown"]
        break


async def test_an_execution_that_costs_too_many_runners_fails(api: Api) -> None:
    execution_id = await agent_execution(api)
    for _ in range(MAX_LOSSES):
        async with attached(api, Hello.AGENTS) as runner:
            await runner.assignment()
    assert await agent_phase(api, execution_id) is Phase.FAILED


async def test_a_runner_gets_no_more_than_it_can_take(api: Api) -> None:
    first, second = await agent_execution(api), await agent_execution(api)
    async with attached(api, Hello.AGENTS, capacity=1) as runner:
        assignment = await runner.assignment()
        assert assignment.agent.execution.metadata.id == first
        await runner.report(assignment.lease_id, DONE)
        assert (await runner.assignment()).agent.execution.metadata.id == second


async def test_what_nobody_works_on_is_cancelled_at_once(api: Api) -> None:
    execution_id = await agent_execution(api)
    answer = await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="no longer needed"))
    assert Phase(answer.phase) is Phase.CANCELLED
    stored = await api.agent_run_queries.get(AgentExecutionId(value=execution_id))
    assert stored.status.error == "no longer needed"


async def test_a_runner_is_asked_to_end_a_cancelled_execution(api: Api) -> None:
    execution_id = await agent_execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        assignment = await runner.assignment()
        await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="main.py changed"))
        cancel = await runner.cancel()
        assert (cancel.lease_id, cancel.reason) == (assignment.lease_id, "main.py changed")
        await runner.report(assignment.lease_id, AgentExecutionDelta(phase=Phase.CANCELLED.for_agent))
    assert await agent_phase(api, execution_id) is Phase.CANCELLED


async def test_a_runner_that_does_not_end_a_cancelled_execution_loses_it(tmp_path: Path) -> None:
    async with running(tmp_path, limits=LeaseLimits(cancel=0.05)) as api, attached(api, Hello.AGENTS) as runner:
        execution_id = await agent_execution(api)
        assignment = await runner.assignment()
        await api.executions.cancel(CancelRequest(execution_id=execution_id))
        assert await agent_phase(api, execution_id) is Phase.CANCELLED
        with pytest.raises(AioRpcError):
            await runner.report(assignment.lease_id, DONE)


async def test_a_runner_is_probed_by_one_question_at_a_time(api: Api) -> None:
    """One that hangs would find a pile of them, and what they ask for has changed meanwhile."""
    async with attached(api, Hello.AGENTS) as runner:
        ask = await asyncio.wait_for(api.processes.asked_by(RUNNERS[RUNNER_TOKEN]), LIMIT)
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await ask(0.0)
        assert (await runner.message()).HasField("probe")
        asking = asyncio.ensure_future(ask(LIMIT))
        runner.beat(problem="the disk is full")
        assert await asking == "the disk is full"
        asking = asyncio.ensure_future(ask(LIMIT))
        assert (await runner.message()).HasField("probe")
        runner.beat()
        assert await asking == ""


async def test_what_was_cancelled_does_not_go_on_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        execution_id = await agent_execution(api)
        await runner.assignment()
        await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="main.py changed"))
    async with running(tmp_path) as api:
        assert await agent_phase(api, execution_id) is Phase.CANCELLED
        stored = await api.agent_run_queries.get(AgentExecutionId(value=execution_id))
        assert stored.status.error == "main.py changed"


async def test_the_agent_of_a_task_is_started_once_and_ends_with_its_workflow(api: Api) -> None:
    await api.agents.apply(agent())
    parent = await workflow_execution(api)
    async with attached(api, Hello.WORKFLOWS) as runner:
        lease = await runner.assignment()
        request = StartAgentRequest(lease_id=lease.lease_id, key="/answer", agent="helper", message="hello")
        first, second = await api.runners.startAgent(request), await api.runners.startAgent(request)
        assert first.metadata.id == second.metadata.id
        await runner.report(lease.lease_id, WorkflowExecutionDelta(phase=Phase.FAILED.for_workflow, error="no"))
        assert await agent_phase(api, first.metadata.id) is Phase.CANCELLED
    stored = await api.workflow_run_queries.get(WorkflowExecutionId(value=parent))
    assert Phase(stored.status.phase) is Phase.FAILED


async def test_a_workflow_of_a_task_is_refused_in_words(api: Api) -> None:
    await workflow_execution(api)
    async with attached(api, Hello.WORKFLOWS) as runner:
        lease = await runner.assignment()
        with pytest.raises(AioRpcError) as error:
            await api.runners.startWorkflow(
                StartWorkflowRequest(lease_id=lease.lease_id, key="/run", workflow="billing", message="hello")
            )
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "cannot start the workflow billing" in (error.value.details() or "")


async def test_a_runner_of_several_kinds_has_room_for_each(api: Api) -> None:
    capacities = [Capacity(kind=Hello.WORKFLOWS, executions=1), Capacity(kind=Hello.AGENTS, executions=2)]
    agents = {await agent_execution(api) for _ in range(2)}
    workflows = [await workflow_execution(api) for _ in range(2)]
    async with attached(api, Hello.KIND_UNSPECIFIED, capacities=capacities) as runner:
        given = [await runner.assignment() for _ in range(3)]
        assert {each.agent.execution.metadata.id for each in given if each.HasField("agent")} == agents
        [first] = [each for each in given if each.HasField("workflow")]
        assert first.workflow.execution.metadata.id == workflows[0]
        await runner.report(first.lease_id, WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow))
        assert (await runner.assignment()).workflow.execution.metadata.id == workflows[1]


async def test_a_runner_of_an_unknown_kind_is_sent_away(api: Api) -> None:
    async def hello() -> AsyncIterator[RunnerMessage]:
        yield RunnerMessage(hello=Hello(capacities=[Capacity(kind=99, executions=1)]))  # type: ignore[arg-type]

    with pytest.raises(AioRpcError) as error:
        await anext(aiter(api.runners.attach(hello())))
    assert "no executions of the kinds [99]" in (error.value.details() or "")


async def test_an_agent_that_cannot_run_fails_its_task_and_not_the_lease(api: Api) -> None:
    """FAILED_PRECONDITION would say that the lease is over, and the runner would stop its work without a word."""
    team = agent()
    team.spec.skill_refs.add(kind=ApiResourceKind.skill, slug="citation-style")
    await api.agents.apply(team)
    await workflow_execution(api)
    async with attached(api, Hello.WORKFLOWS) as runner:
        lease = (await runner.assignment()).lease_id
        with pytest.raises(AioRpcError) as error:
            await api.runners.startAgent(
                StartAgentRequest(lease_id=lease, key="/answer", agent="helper", message="hello")
            )
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "helper cannot run: there is no skill citation-style" in (error.value.details() or "")
        await runner.report(lease, WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow))


async def test_an_unknown_agent_of_a_task_is_not_found(api: Api) -> None:
    await workflow_execution(api)
    async with attached(api, Hello.WORKFLOWS) as runner:
        lease = await runner.assignment()
        with pytest.raises(AioRpcError) as error:
            await api.runners.startAgent(
                StartAgentRequest(lease_id=lease.lease_id, key="/answer", agent="nobody", message="hello")
            )
    assert error.value.code() is grpc.StatusCode.NOT_FOUND


async def test_secrets_survive_a_restart_with_a_keyring_and_their_loss_is_named_without(tmp_path: Path) -> None:
    for keyring in (True, False):
        folder = tmp_path / str(keyring)
        async with running(folder, keyring=keyring) as api:
            execution_id = await agent_execution(api, runtime_env=values(TOKEN_SECRET="hunter2"))
        async with running(folder, keyring=keyring) as api, attached(api, Hello.AGENTS) as runner:
            if keyring:
                assert (await runner.assignment()).environment["TOKEN_SECRET"].value == "hunter2"
            else:
                assert await agent_phase(api, execution_id) is Phase.FAILED
                stored = await api.agent_run_queries.get(AgentExecutionId(value=execution_id))
                assert "TOKEN_SECRET" in stored.status.error


async def test_reports_survive_a_restart_with_their_versions(tmp_path: Path) -> None:
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        execution_id = await agent_execution(api)
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, AgentExecutionDelta(phase=Phase.IN_PROGRESS.for_agent))
        message = MessageDelta(index=0, message=AgentMessage(content="hello"))
        version = await runner.report(lease, AgentExecutionDelta(messages=[message]))
    async with running(tmp_path) as api:
        stream = api.executions.follow(FollowRequest(execution_id=execution_id, after_version=version - 1))
        first = await asyncio.wait_for(anext(aiter(stream)), 60)
        assert first.version == version
        stream.cancel()
