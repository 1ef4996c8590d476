"""What models were asked: reported, followed, kept over restarts, and gone with the execution."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution, AgentExecutionId, ListAgentExecutionsRequest
from stigmer_tui.api.api_resource_pb2 import ApiResourceId
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, FollowRequest
from stigmer_tui.api.model_call_pb2 import KeptRequest, ModelCall, ModelRequestQuery, RequestField
from stigmer_tui.api.model_call_pb2_grpc import ModelCallControllerStub
from stigmer_tui.api.model_calls import MODEL_CALLS, read_model_calls
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from tests.server.builders import agent, agent_run
from tests.server.conftest import Api, running
from tests.server.runner import attached

DONE = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)
CALLS = [ModelCall(id=f"turn/{n}", model="openai gpt", input_tokens=n + 1, cost=0.5) for n in range(2)]
PIECES = {"m": '"gpt"', "a": '{"role":"user"}', "b": '{"role":"assistant"}'}


def request(call_id: str, *messages: str, new: str = "") -> KeptRequest:
    """`messages` and `new` are names of pieces."""
    return KeptRequest(
        call_id=call_id,
        url="http://models/chat",
        key_variable="OPENAI_API_KEY",
        fields=[
            RequestField(name="model", pieces=["m"]),
            RequestField(name="messages", pieces=messages, is_list=True),
        ],
        pieces={name: PIECES[name] for name in new},
    )


async def execution(api: Api) -> str:
    stored = await api.agents.apply(agent())
    return (await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id


async def worked_on(api: Api) -> str:
    """An execution that has ended, with two requests."""
    execution_id = await execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        first, second = request("turn/0", "a", new="ma"), request("turn/1", "a", "b", new="b")
        await runner.report(lease, AgentExecutionDelta(model_calls=CALLS[:1]), first)
        await runner.report(lease, AgentExecutionDelta(model_calls=CALLS[1:]), second)
        await runner.report(lease, DONE)
    return execution_id


async def test_calls_reach_who_follows_and_who_reads_later(api: Api) -> None:
    execution_id = await execution(api)
    stream = api.executions.follow(FollowRequest(execution_id=execution_id))
    changes = aiter(stream)
    await anext(changes)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, AgentExecutionDelta(model_calls=CALLS))
        assert list((await anext(changes)).agent_delta.model_calls) == CALLS
        await runner.report(lease, DONE)
    stream.cancel()
    stored = await api.agent_run_queries.get(AgentExecutionId(value=execution_id))
    assert read_model_calls(stored.metadata.annotations) == CALLS


async def test_requests_are_read_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        execution_id = await worked_on(api)
    async with running(tmp_path) as api:
        found = await ModelCallControllerStub(api.channel).request(
            ModelRequestQuery(execution_id=execution_id, number=2)
        )
        stored = await api.agent_run_queries.get(AgentExecutionId(value=execution_id))
    assert (found.call, found.url, found.key_variable) == (CALLS[1], "http://models/chat", "OPENAI_API_KEY")
    assert json.loads(found.body) == {"model": "gpt", "messages": [{"role": "user"}, {"role": "assistant"}]}
    assert read_model_calls(stored.metadata.annotations) == CALLS


async def test_pieces_go_with_the_last_execution_that_has_them(api: Api) -> None:
    first, second = await worked_on(api), await worked_on(api)
    database = api.server.executions.store._database
    for execution_id, left in ((first, 3), (second, 0)):
        await api.agent_runs.delete(ApiResourceId(value=execution_id))
        assert database.read("SELECT count(*) FROM request_pieces") == [(left,)]
    assert database.read("SELECT count(*) FROM model_requests") == [(0,)]


async def test_an_unknown_number_is_not_found(api: Api) -> None:
    execution_id = await worked_on(api)
    with pytest.raises(AioRpcError) as refusal:
        await ModelCallControllerStub(api.channel).request(ModelRequestQuery(execution_id=execution_id, number=3))
    assert refusal.value.code() is grpc.StatusCode.NOT_FOUND
    assert refusal.value.details() == f"model request not found: 3 of execution {execution_id}, which has 2"


async def test_a_client_that_changes_annotations_does_not_lose_the_calls(api: Api) -> None:
    execution_id = await execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, AgentExecutionDelta(model_calls=CALLS))
        changed = AgentExecution(api_version="agentic.stigmer.ai/v1", kind="AgentExecution")
        changed.metadata.id = execution_id
        changed.metadata.name = "mine"
        changed.metadata.annotations["note"] = "mine"
        stored = await api.agent_runs.update(changed)
        assert stored.metadata.annotations["note"] == "mine"
        assert read_model_calls(stored.metadata.annotations) == CALLS
        await runner.report(lease, DONE)


async def test_lists_do_not_carry_the_calls(api: Api) -> None:
    await worked_on(api)
    [entry] = (await api.agent_run_queries.list(ListAgentExecutionsRequest())).entries
    assert MODEL_CALLS not in entry.metadata.annotations


async def test_an_answer_is_kept_with_its_request_and_pieces_of_both_once(api: Api) -> None:
    execution_id = await execution(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        kept = request("turn/0", "a", new="ma")
        kept.exchange.append(RequestField(name="calls", pieces=["a", "a"], is_list=True))
        await runner.report(lease, AgentExecutionDelta(model_calls=CALLS[:1]), kept)
        await runner.report(lease, DONE)
    found = await ModelCallControllerStub(api.channel).request(ModelRequestQuery(execution_id=execution_id, number=1))
    assert json.loads(found.exchange) == {"calls": [{"role": "user"}, {"role": "user"}]}
