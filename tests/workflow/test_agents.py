"""AGENT_CALL: started once, followed to its end, its answer as data (`docs/compatibility.md` 68, 69, 95)."""

from __future__ import annotations

import asyncio

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.runners.lease import StopReason
from stigmer_tui.workflow.port import ChildEnd, ChildResult
from stigmer_tui.workflow.tasks.calls import output_of
from tests.definition.specs import agent, for_, set_, spec
from tests.workflow.stand_in import StandIn
from tests.workflow.world import Reported, World, until


async def ended(agents: StandIn, work: asyncio.Task[Reported], phase: Phase, *texts: str, error: str = "") -> Reported:
    """The run, after its agent has ended in this way."""
    await agents.agent_started.wait()
    agents.end_agents(phase, *texts, error=error)
    return await work


async def test_case_68_the_answer_is_what_the_agent_said_last(world: World, agents: StandIn) -> None:
    fields = {"v": "${ $context.ask.response }", "c": "${ $data.ask.content }", "m": "${ .ask.mood }"}
    work = world.start(
        spec(
            set_("f", title="a title", export="${.}"),
            agent("ask", "helper", 'About ${ $context["f"].title }', export="${.}"),
            set_("s", **fields, i="${ .ask.agent_execution_id }"),
        )
    )
    answer = '{"mood": "kind", "response": "not this one"}'
    reported = await ended(agents, work, Phase.COMPLETED, "thinking", answer)
    assert reported.output == {"v": answer, "c": answer, "m": "kind", "i": "agx_1"}
    assert reported.metadata("/ask") == {"kind": "agent", "detail": "helper", "child": "agx_1"}
    assert reported.input_of("/ask") == {"agent": "helper", "message": "About a title", "environment": {}}
    [request] = agents.started
    assert (request.key, request.agent, request.message) == ("/ask", "helper", "About a title")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("just text", {}),
        ('{"a": 1}', {"a": 1}),
        ('```json\n{"a": 1}\n```\n', {"a": 1}),
        ("[1]", {}),
        ('{"a": 1} and more', {}),
        ("", {}),
    ],
)
def test_fields_of_a_json_answer_are_fields_of_the_output(text: str, fields: dict[str, int]) -> None:
    common = {"response": text, "content": text, "agent_execution_id": "agx_1"}
    assert output_of(ChildResult(ChildEnd.COMPLETED, "agx_1", text)) == common | fields


@pytest.mark.parametrize(
    ("phase", "error", "said"),
    [
        (Phase.FAILED, "No model: set ANTHROPIC_API_KEY", "the agent helper failed: No model: set ANTHROPIC_API_KEY"),
        (Phase.FAILED, "", "the agent helper failed: it did not say why"),
        (Phase.CANCELLED, "", "the agent helper was cancelled"),
    ],
)
async def test_case_69_an_agent_that_fails_fails_its_task(
    phase: Phase, error: str, said: str, world: World, agents: StandIn
) -> None:
    reported = await ended(agents, world.start(spec(agent("ask", "helper", "hi"))), phase, "text", error=error)
    assert reported.error == f"/ask failed: {said}"
    assert reported.metadata("/ask") == {
        "kind": "agent",
        "detail": "helper",
        "child": "agx_1",
        "error_type": "CallAgent error",
    }


async def test_case_69_a_time_limit_ends_the_agent(world: World, agents: StandIn) -> None:
    reported = await world.run(spec(agent("ask", "helper", "hi", config={"timeout": 1, "model": "m"})))
    assert reported.error == "/ask failed: the agent helper gave no answer within 1.0 s"
    assert [(cancel.execution_id, cancel.reason) for cancel in agents.cancels] == [("agx_1", "no answer within 1.0 s")]
    assert (agents.started[0].config.timeout, agents.started[0].config.model) == (1, "m")


async def test_case_69_an_agent_that_works_for_six_minutes_is_waited_for(world: World, agents: StandIn) -> None:
    agents.lost_streams = 3
    work = world.start(spec(agent("ask", "helper", "hi"), set_("s", v="${ $data.ask.response }")))
    await agents.agent_started.wait()
    await world.clock.sleep(360)
    reported = await ended(agents, work, Phase.COMPLETED, "done at last")
    assert reported.output == {"v": "done at last"}
    assert (len(agents.started), agents.cancels) == (1, [])


async def test_an_agent_that_is_not_there_fails_the_task(world: World, agents: StandIn) -> None:
    reported = await world.run(spec(agent("ask", "nobody", "hi")))
    assert reported.error == "/ask failed: the agent nobody cannot be started: there is no agent nobody in acme"


async def test_an_empty_message_starts_nothing(world: World) -> None:
    reported = await world.run(spec(agent("ask", "helper", "${ .nothing }")))
    assert reported.error == "/ask failed: the message to the agent is empty"


async def test_a_lost_stream_is_taken_up_where_it_was(world: World, agents: StandIn) -> None:
    agents.lost_streams = 3
    work = world.start(spec(agent("ask", "helper", "hi")))
    await until(lambda: len(agents.follows) == 4)
    reported = await ended(agents, work, Phase.COMPLETED, "hello")
    assert reported.output["response"] == "hello"
    assert [request.after_version for request in agents.follows] == [0, 1, 1, 1]
    assert len(agents.started) == 1


async def test_each_iteration_has_an_agent_of_its_own(world: World, agents: StandIn) -> None:
    agents.answer = "done"
    reported = await world.run(spec(for_("f", "${ 2 }", agent("ask", "helper", "${ .item }"))))
    assert list(agents.agents) == ["/f/0/ask", "/f/1/ask"]
    assert [answer["agent_execution_id"] for answer in reported.output["result"]] == ["agx_1", "agx_2"]


async def test_a_cancelled_run_cancels_its_agent(world: World, agents: StandIn) -> None:
    lease = world.lease(spec(agent("ask", "helper", "hi")))
    lease.task = asyncio.create_task(world.work_on(lease))
    await until(lambda: bool(agents.follows))
    lease.stop(StopReason.CANCELLED, "main.py changed")
    await lease.task
    assert [(cancel.execution_id, cancel.reason) for cancel in agents.cancels] == [("agx_1", "main.py changed")]
    assert world.reported.phase is Phase.CANCELLED


async def test_a_draining_run_leaves_its_agent_alone(world: World, agents: StandIn) -> None:
    lease = world.lease(spec(agent("ask", "helper", "hi")))
    lease.task = asyncio.create_task(world.work_on(lease))
    await until(lambda: bool(agents.follows))
    lease.stop(StopReason.DRAINING)
    with pytest.raises(asyncio.CancelledError):
        await lease.task
    assert (agents.cancels, world.reported.phase) == ([], Phase.IN_PROGRESS)
    reported = await ended(agents, world.start(spec(agent("ask", "helper", "hi"))), Phase.COMPLETED, "hello")
    assert reported.output["response"] == "hello"
    assert list(agents.agents) == ["/ask"]


async def test_case_60_secrets_reach_the_agent_as_secrets(world: World, agents: StandIn) -> None:
    env = {
        "TOKEN": "${.secrets.K}",
        "REGION": "${.env_vars.REGION}",
        "NONE": "${ .nothing }",
        "MADE": "${ .secrets.L | @base64 }",
    }
    work = world.start(
        spec(agent("ask", "helper", "Use ${.secrets.L} and ${.env_vars.REGION}", env=env)),
        environment={"REGION": "eu"},
        secrets={"K": "s3cr3t", "L": "an0ther"},
    )
    reported = await ended(agents, work, Phase.COMPLETED, "You gave me an0ther")
    [request] = agents.started
    assert request.message == "Use an0ther and eu"
    assert {name: (value.value, value.is_secret) for name, value in request.environment.items()} == {
        "TOKEN": ("s3cr3t", True),
        "REGION": ("eu", False),
        "MADE": ("YW4wdGhlcg==", True),
        "L": ("an0ther", True),
    }
    assert reported.output["response"] == "You gave me [REDACTED]"
    assert reported.input_of("/ask")["message"] == "Use [REDACTED] and eu"
    assert "an0ther" not in reported.text
