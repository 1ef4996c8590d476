"""follow: whatever a reader misses, it ends with what is true; what it has, it does not get again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentMessage,
    SubAgentExecution,
    SubAgentStatus,
    ToolCall,
)
from stigmer_tui.api.catalogue_pb2 import ListRequest
from stigmer_tui.api.daemon_pb2 import Component, StatusRequest
from stigmer_tui.api.execution_pb2 import (
    AgentExecutionDelta,
    FollowRequest,
    FollowResponse,
    MessageDelta,
    ModelWait,
    TextTail,
)
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.definition.extensions import UNLISTED
from stigmer_tui.server.execution_state import AgentExecutionState
from tests.server.builders import agent, agent_run, workflow
from tests.server.conftest import Api, running
from tests.server.runner import attached

RUNNING, ENDED = SubAgentStatus.SUB_AGENT_IN_PROGRESS, SubAgentStatus.SUB_AGENT_COMPLETED
IN_PROGRESS, COMPLETED = Phase.IN_PROGRESS.for_agent, Phase.COMPLETED.for_agent


def said(index: int, text: str) -> MessageDelta:
    return MessageDelta(index=index, message=AgentMessage(content=text))


def tail(index: int, keep: int, text: str) -> MessageDelta:
    return MessageDelta(index=index, tail=TextTail(keep=keep, text=text))


class Reader:
    """Rebuilds an execution from what it is sent."""

    def __init__(self) -> None:
        self.state = AgentExecutionState(AgentExecution(), 0)
        self.version = 0
        self.characters = 0

    def take(self, response: FollowResponse) -> None:
        assert response.version >= self.version
        self.version = response.version
        if response.HasField("agent_snapshot"):
            self.state = AgentExecutionState(response.agent_snapshot, response.version)
        else:
            self.characters += sum(len(change.tail.text) for change in response.agent_delta.messages)
            self.state.apply(response.agent_delta)

    @property
    def texts(self) -> list[str]:
        return [message.content for message in self.state.execution.status.messages]


async def run_to_follow(api: Api) -> str:
    stored = await api.agents.apply(agent())
    return (await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id


@pytest.mark.parametrize("interval_ms", [0, 5])
async def test_a_growing_text_is_sent_once(api: Api, interval_ms: int) -> None:
    execution_id = await run_to_follow(api)
    words = [f"word{number} ünïcode😀 " for number in range(200)]
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, AgentExecutionDelta(phase=IN_PROGRESS, messages=[said(0, "")]))
        reader = Reader()

        async def read() -> None:
            request = FollowRequest(execution_id=execution_id, interval_ms=interval_ms)
            async for response in api.executions.follow(request):
                reader.take(response)

        reading = asyncio.create_task(read())
        length = 0
        for word in words:
            await runner.report(lease, AgentExecutionDelta(messages=[tail(0, length, word)]))
            length += len(word)
        await runner.report(lease, AgentExecutionDelta(phase=COMPLETED))
        await reading
    assert reader.texts == ["".join(words)]
    assert reader.characters <= length


def test_sub_agents_are_sent_when_they_change_each_in_place_of_the_one_with_its_id() -> None:
    state = AgentExecutionState(AgentExecution(), 0)
    reader = state.cursor()
    for name, status in (("s1", RUNNING), ("s2", RUNNING), ("s1", ENDED)):
        state.apply(AgentExecutionDelta(sub_agents=[SubAgentExecution(id=name, status=status)]))
    expected = [SubAgentExecution(id="s1", status=ENDED), SubAgentExecution(id="s2", status=RUNNING)]
    assert list(state.since(reader).sub_agents) == expected
    assert list(state.execution.status.sub_agent_executions) == expected
    assert not state.since(reader).sub_agents
    state.replace(state.execution)
    state.apply(AgentExecutionDelta(sub_agents=[SubAgentExecution(id="s2", status=ENDED)]))
    assert [each.status for each in state.execution.status.sub_agent_executions] == [ENDED, ENDED]


async def test_a_text_that_is_rewritten_is_sent_anew(api: Api) -> None:
    execution_id = await run_to_follow(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        await runner.report(lease, AgentExecutionDelta(messages=[said(0, "half an ans")]))
        stream = aiter(api.executions.follow(FollowRequest(execution_id=execution_id)))
        reader = Reader()
        reader.take(await anext(stream))
        await runner.report(lease, AgentExecutionDelta(messages=[tail(0, 0, "another")]))
        await runner.report(lease, AgentExecutionDelta(messages=[tail(0, 7, " answer")]))
        await runner.report(lease, AgentExecutionDelta(phase=COMPLETED))
        async for response in stream:
            reader.take(response)
    assert reader.texts == ["another answer"]


async def test_a_reader_that_comes_back_gets_what_it_missed_and_no_more(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        execution_id = await run_to_follow(api)
        async with attached(api, Hello.AGENTS) as runner:
            lease = (await runner.assignment()).lease_id
            await runner.report(lease, AgentExecutionDelta(phase=IN_PROGRESS, messages=[said(0, "first")]))
            reader = Reader()
            stream = api.executions.follow(FollowRequest(execution_id=execution_id))
            reader.take(await anext(aiter(stream)))
            stream.cancel()
            call = ToolCall(id="call-1", name="ls")
            await runner.report(lease, AgentExecutionDelta(messages=[said(1, "second")], tool_calls=[call]))
    async with running(tmp_path) as api:
        stream = api.executions.follow(FollowRequest(execution_id=execution_id, after_version=reader.version))
        missed = await anext(aiter(stream))
        stream.cancel()
    assert missed.WhichOneof("change") == "agent_delta" or missed.HasField("agent_snapshot")
    reader.take(missed)
    assert reader.texts == ["first", "second"]
    assert [call.id for call in reader.state.execution.status.tool_calls] == ["call-1"]


async def test_a_slow_reader_skips_versions_but_not_the_last(api: Api) -> None:
    execution_id = await run_to_follow(api)
    async with attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        stream = aiter(api.executions.follow(FollowRequest(execution_id=execution_id, interval_ms=3_600_000)))
        reader, count = Reader(), 0
        reader.take(await anext(stream))
        for number in range(100):
            await runner.report(lease, AgentExecutionDelta(messages=[said(number, str(number))]))
        await runner.report(lease, AgentExecutionDelta(phase=COMPLETED))
        async for response in stream:
            reader.take(response)
            count += 1
    assert len(reader.texts) == 100
    assert reader.state.phase is Phase.COMPLETED
    assert count <= 2


async def test_an_end_is_not_held_back_by_the_interval(api: Api) -> None:
    execution_id = await run_to_follow(api)
    async with attached(api, Hello.AGENTS) as runner, asyncio.timeout(60):
        lease = (await runner.assignment()).lease_id
        stream = aiter(api.executions.follow(FollowRequest(execution_id=execution_id, interval_ms=3_600_000)))
        reader = Reader()
        reader.take(await anext(stream))
        await runner.report(lease, AgentExecutionDelta(phase=COMPLETED))
        async for response in stream:
            reader.take(response)
    assert reader.state.phase is Phase.COMPLETED


async def test_the_catalogue_lists_workflows_then_agents_and_the_newest_runs(api: Api) -> None:
    await api.agents.apply(agent("zeta"))
    await api.agents.apply(agent("alpha"))
    await api.workflows.apply(workflow())
    execution_id = await run_to_follow(api)
    catalogue = await api.catalogue.list(ListRequest())
    assert [resource.slug for resource in catalogue.resources] == ["tally", "alpha", "helper", "zeta"]
    assert [(run.id, run.resource_slug, run.message) for run in catalogue.runs] == [(execution_id, "helper", "execute")]


async def test_runs_of_tests_are_not_among_the_newest(api: Api) -> None:
    helper = await api.agents.apply(agent())
    run = agent_run(helper.metadata.id)
    run.metadata.tags.append(UNLISTED)
    tested = await api.agent_runs.create(run)
    other = agent_run(helper.metadata.id)
    other.metadata.tags.append("nightly")
    listed = await api.agent_runs.create(other)
    assert [each.id for each in (await api.catalogue.list(ListRequest())).runs] == [listed.metadata.id]
    assert tested.metadata.id != listed.metadata.id


async def test_variables_are_listed_as_the_code_has_them_and_an_empty_default_is_a_value(api: Api) -> None:
    """Point 23: neither the order nor an empty default is in the wire's map of variables."""
    written = agent()
    written.metadata.annotations["stigmer-tui/variables"] = '{"ZONE": null, "SUFFIX": "", "ALPHA": "a"}'
    for name, value in (("ALPHA", "a"), ("SUFFIX", ""), ("ZONE", "")):
        written.spec.env_spec.data[name].value = value
    stored = await api.agents.apply(written)
    (listed,) = (await api.catalogue.list(ListRequest())).resources
    assert [(item.name, item.has_value) for item in listed.variables] == [
        ("ZONE", False),
        ("SUFFIX", True),
        ("ALPHA", True),
    ]
    await api.agent_runs.create(agent_run(stored.metadata.id))
    async with attached(api, Hello.AGENTS) as runner:
        assignment = await runner.assignment()
    assert {name: item.value for name, item in assignment.environment.items()} == {"SUFFIX": "", "ALPHA": "a"}


async def test_a_watched_catalogue_tells_of_every_change(api: Api) -> None:
    stream = aiter(api.catalogue.watch(ListRequest()))
    assert not (await anext(stream)).resources
    await api.agents.apply(agent())
    assert [resource.slug for resource in (await anext(stream)).resources] == ["helper"]


async def test_the_status_knows_attached_runners_and_what_they_say_of_themselves(api: Api) -> None:
    before = await api.daemon.status(StatusRequest())
    assert [component.name for component in before.components] == ["server"]
    assert (before.model, before.requires_token) == ("", False)
    async with attached(api, Hello.AGENTS):
        after = await api.daemon.status(StatusRequest())
    assert (after.model, after.sandbox) == ("a model", "a box")
    assert after.components[0].state == Component.READY


def test_24_readers_are_told_which_model_is_waited_for_and_when_it_is_over() -> None:
    state = AgentExecutionState(AgentExecution(), 0)
    cursor = state.cursor()
    waiting = ModelWait(model="openai gpt-6-luna", since="2026-11-21T10:00:00Z")
    state.apply(AgentExecutionDelta(phase=IN_PROGRESS, waiting=waiting))
    assert state.since(cursor).waiting == waiting
    state.apply(AgentExecutionDelta(messages=[said(0, "Hello")], waiting=ModelWait()))
    assert state.since(cursor).HasField("waiting")
    assert not state.waiting.model


def test_24_an_execution_that_ended_waits_for_no_model_whoever_ended_it() -> None:
    state = AgentExecutionState(AgentExecution(), 0)
    state.apply(AgentExecutionDelta(waiting=ModelWait(model="openai gpt-6-luna")))
    cursor = state.cursor()
    state.apply(AgentExecutionDelta(phase=COMPLETED))
    assert state.since(cursor).waiting == ModelWait()
