"""Approvals: decided once, by whoever is first, and delivered to whichever runner waits for it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, ToolCall, ToolCallStatus
from stigmer_tui.api.api_resource_pb2 import ApiResourceId
from stigmer_tui.api.approval_pb2 import Allowed, DecideRequest, Decision, Denied, WaitRequest
from stigmer_tui.api.approvals import ApprovalState, approval_metadata
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, CancelRequest
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello, StartAgentRequest
from stigmer_tui.api.structs import to_struct
from stigmer_tui.definition.extensions import APPROVE
from stigmer_tui.server.approvals import DecisionStore
from tests.server.builders import agent, agent_run, workflow, workflow_run
from tests.server.conftest import Api, running
from tests.server.runner import attached

ALLOWED = Decision(allowed=Allowed())
DENIED = Decision(denied=Denied(reason="not today"))


def waiting(call_id: str = "call-1", tool: str = "execute") -> AgentExecutionDelta:
    call = ToolCall(
        id=call_id,
        name=tool,
        status=ToolCallStatus.TOOL_CALL_PENDING,
        component_metadata=approval_metadata(ApprovalState.WAITING),
    )
    return AgentExecutionDelta(phase=Phase.IN_PROGRESS.for_agent, tool_calls=[call])


async def started(api: Api) -> str:
    stored = await api.agents.apply(agent())
    return (await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id


async def refusal(api: Api, request: DecideRequest) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(AioRpcError) as error:
        await api.approvals.decide(request)
    return error.value.code(), error.value.details() or ""


async def test_a_decision_ends_the_wait(api: Api) -> None:
    execution_id = await started(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, waiting())
        wait = asyncio.ensure_future(api.approval_waits.wait(WaitRequest(lease_id=lease, call_id="call-1")))
        decision = Decision(allowed=Allowed(args=to_struct({"command": "ls"}), all_of_run=True))
        decided = await api.approvals.decide(DecideRequest(execution_id=execution_id, decision=decision))
        assert (decided.execution_id, decided.call_id, decided.tool) == (execution_id, "call-1", "execute")
        assert await wait == decision


async def test_a_decision_is_made_once(api: Api) -> None:
    execution_id = await started(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, waiting())
        request = DecideRequest(execution_id=execution_id, call_id="call-1", decision=ALLOWED)
        first, again = await asyncio.gather(api.approvals.decide(request), api.approvals.decide(request))
        assert first == again
        code, why = await refusal(api, DecideRequest(execution_id=execution_id, call_id="call-1", decision=DENIED))
        assert (code, why) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "the call of execute has been decided on already",
        )
        assert await api.approval_waits.wait(WaitRequest(lease_id=lease, call_id="call-1")) == ALLOWED


async def test_a_decision_that_is_made_between_two_looks_is_the_same(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second asks while the first is being written."""
    execution_id = await started(api)
    async with attached(api, Hello.AGENTS) as runner:
        await runner.report((await runner.assignment()).lease_id, waiting())
        request = DecideRequest(execution_id=execution_id, call_id="call-1", decision=ALLOWED)
        first = await api.approvals.decide(request)
        find, looks = DecisionStore.find, iter([None])

        def find_later(store: DecisionStore, execution: str, call: str) -> Decision | None:
            return next(looks, find(store, execution, call))

        monkeypatch.setattr(DecisionStore, "find", find_later)
        assert await api.approvals.decide(request) == first


async def test_of_two_decisions_at_the_same_moment_one_holds(api: Api) -> None:
    execution_id = await started(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, waiting())
        requests = [DecideRequest(execution_id=execution_id, decision=decision) for decision in (ALLOWED, DENIED)]
        outcomes = await asyncio.gather(*map(api.approvals.decide, requests), return_exceptions=True)
        (kept,) = (
            decision
            for decision, outcome in zip((ALLOWED, DENIED), outcomes, strict=True)
            if not isinstance(outcome, BaseException)
        )
        assert await api.approval_waits.wait(WaitRequest(lease_id=lease, call_id="call-1")) == kept


async def test_a_wait_and_a_decision_survive_runners_and_servers(tmp_path: Path) -> None:
    """The first runner is lost before the decision, the second and the server after it."""
    async with running(tmp_path) as api:
        execution_id = await started(api)
        async with attached(api, Hello.AGENTS) as runner:
            await runner.report((await runner.assignment()).lease_id, waiting())
        await api.approvals.decide(DecideRequest(execution_id=execution_id, decision=DENIED))
        async with attached(api, Hello.AGENTS) as runner:
            request = WaitRequest(lease_id=(await runner.assignment()).lease_id, call_id="call-1")
            assert await api.approval_waits.wait(request) == DENIED
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        request = WaitRequest(lease_id=(await runner.assignment()).lease_id, call_id="call-1")
        assert await api.approval_waits.wait(request) == DENIED


async def test_what_does_not_wait_cannot_be_decided_on(api: Api) -> None:
    execution_id = await started(api)
    assert await refusal(api, DecideRequest(execution_id="agx_x", decision=ALLOWED)) == (
        grpc.StatusCode.NOT_FOUND,
        "execution not found: agx_x",
    )
    assert (await refusal(api, DecideRequest(execution_id=execution_id, decision=Decision())))[1] == (
        "decision: allowed or denied is required"
    )
    nothing = f"nothing in {execution_id} waits for an approval"
    assert (await refusal(api, DecideRequest(execution_id=execution_id, decision=ALLOWED)))[1] == nothing
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, waiting("call-1"))
        await runner.report(lease, waiting("call-2", "write_file"))
        several = f"2 calls in {execution_id} wait for an approval, so name one: call-1 (execute), call-2 (write_file)"
        assert (await refusal(api, DecideRequest(execution_id=execution_id, decision=ALLOWED)))[1] == several
        other = DecideRequest(execution_id=execution_id, call_id="call-3", decision=ALLOWED)
        assert (await refusal(api, other))[1].startswith("the call call-3 does not wait for an approval; those that do")
        await runner.report(lease, AgentExecutionDelta(phase=Phase.COMPLETED.for_agent))
        ended = f"{execution_id} has ended: nothing in it waits for an approval"
        assert (await refusal(api, DecideRequest(execution_id=execution_id, decision=ALLOWED)))[1] == ended


async def test_a_wait_is_of_the_runner_with_the_lease(api: Api) -> None:
    await started(api)
    with pytest.raises(AioRpcError) as error:
        await api.approval_waits.wait(WaitRequest(lease_id="lease_x", call_id="call-1"))
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_cancelled_execution_no_longer_waits(api: Api) -> None:
    execution_id = await started(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, waiting())
        await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="enough"))
        await runner.cancel()
        await runner.report(lease, AgentExecutionDelta(phase=Phase.CANCELLED.for_agent))
    code, _ = await refusal(api, DecideRequest(execution_id=execution_id, decision=ALLOWED))
    assert code is grpc.StatusCode.FAILED_PRECONDITION


async def test_what_a_workflow_is_asked_to_have_approved_its_agents_are_too(api: Api) -> None:
    """And a call of such an agent is decided on by the id of the workflow's execution."""
    await api.agents.apply(agent())
    stored = await api.workflows.apply(workflow())
    request = workflow_run(stored.metadata.id)
    request.metadata.annotations[APPROVE] = "execute"
    parent = (await api.workflow_runs.create(request)).metadata.id
    async with attached(api, Hello.WORKFLOWS) as workflows, attached(api, Hello.AGENTS) as runner:
        start = StartAgentRequest(
            lease_id=(await workflows.assignment()).lease_id, key="ask", agent="helper", message="Hello"
        )
        child: AgentExecution = await api.runners.startAgent(start)
        assert child.metadata.annotations[APPROVE] == "execute"
        await runner.report((await runner.assignment()).lease_id, waiting())
        decided = await api.approvals.decide(DecideRequest(execution_id=parent, decision=ALLOWED))
        assert decided.execution_id == child.metadata.id


async def test_decisions_go_with_their_execution(api: Api) -> None:
    execution_id = await started(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, waiting())
        await api.approvals.decide(DecideRequest(execution_id=execution_id, decision=ALLOWED))
        await runner.report(lease, AgentExecutionDelta(phase=Phase.COMPLETED.for_agent))
    await api.agent_runs.delete(ApiResourceId(value=execution_id))
    code, _ = await refusal(api, DecideRequest(execution_id=execution_id, decision=ALLOWED))
    assert code is grpc.StatusCode.NOT_FOUND
