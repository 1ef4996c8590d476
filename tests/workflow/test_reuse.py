"""A run may begin with the journal of an earlier one, which stays as it is."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition.validation import parse
from stigmer_tui.runners.journal import Journal, JournalStep
from stigmer_tui.workflow.embedded.engine import UNDER_WAY, EarlierRun
from stigmer_tui.workflow.execution import run_workflow
from tests.definition.specs import agent, for_, http, set_, spec, wait
from tests.workflow.http_server import Asked, HttpServer, Reply, json_reply
from tests.workflow.stand_in import StandIn
from tests.workflow.world import EXECUTION, Reported, World

LATER = "wfx_01k9zzzzzzzzzzzzzzzzzzzzz0"
LAST = "wfx_01k9zzzzzzzzzzzzzzzzzzzzz1"
REUSED = {"origin": "reused", "origin_execution": EXECUTION}


def orders(url: str, note: str = "a note") -> WorkflowSpec:
    return spec(
        http("reserve", f"{url}/reserve", "POST", body={"id": "${ uuid }", "at": "${ now | floor }"}),
        set_("ids", u="${ uuid }", n="${ .reserve.n }"),
        http("charge", f"{url}/charge", "POST", body={"u": "${ .u }", "n": "${ .n }", "note": note}),
        http("ship", f"{url}/ship", "PUT", headers={"K": "${ .secrets.K }"}, body={"charged": "${ .charge.n }"}),
        set_("result", u="${ .u }", n="${ .ship.n }"),
    )


def count_up(server: HttpServer) -> None:
    """Each response is another one."""
    server.answer = lambda asked: json_reply({"n": len(server.asked)})


async def run(
    world: World, found: WorkflowSpec, execution_id: str = EXECUTION, fork: str | None = None, of: str = EXECUTION
) -> Reported:
    """One run whose journal stays. With `fork` it begins with the journal of another one, up to that task."""
    lease = world.lease(found, secrets={"K": "s3cr3t-of-the-run"})
    lease.assignment.workflow.execution.metadata.id = execution_id
    world.reported = Reported()
    async with world.journal_and_resources() as (journal, resources):
        steps = journal.execution(execution_id)
        earlier = EarlierRun(of, journal.execution(of), fork) if fork is not None else None
        try:
            await run_workflow(lease, steps, resources, parse(found), earlier)
        finally:
            await steps.flush()
    return world.reported


def steps_of(world: World, execution_id: str) -> dict[str, JournalStep]:
    journal = Journal(world.journal_path)
    steps = dict(journal.execution(execution_id))
    journal.close()
    return steps


def targets(server: HttpServer) -> list[str]:
    found = [asked.target for asked in server.asked]
    server.asked.clear()
    return found


async def test_a_workflow_runs_again_from_its_third_task(world: World, server: HttpServer) -> None:
    count_up(server)
    first = await run(world, orders(server.url))
    assert targets(server) == ["/reserve", "/charge", "/ship"]
    before = steps_of(world, EXECUTION)
    world.clock.moment += timedelta(days=1)
    again = await run(world, orders(server.url), LATER, fork="/charge")
    assert targets(server) == ["/charge", "/ship"]
    assert again.phase is Phase.COMPLETED
    assert again.metadata("/reserve") == first.metadata("/reserve") | REUSED
    assert [path for path in again.tasks if "origin" in again.metadata(path)] == ["/reserve"]
    assert again.output_of("/ids") == first.output_of("/ids")
    assert again.tasks["/reserve"].completed_at == first.tasks["/reserve"].completed_at
    assert again.tasks["/charge"].started_at == "2026-11-22T10:00:00.000Z"
    assert steps_of(world, EXECUTION) == before


async def test_a_run_that_reuses_can_itself_be_reused(world: World, server: HttpServer) -> None:
    count_up(server)
    first = await run(world, orders(server.url))
    await run(world, orders(server.url), LATER, fork="/charge")
    targets(server)
    last = await run(world, orders(server.url), LAST, fork="/ship", of=LATER)
    assert targets(server) == ["/ship"]
    assert last.metadata("/reserve") == first.metadata("/reserve") | REUSED
    assert last.metadata("/charge")["origin_execution"] == LATER
    assert last.output_of("/ids") == first.output_of("/ids")


async def test_a_run_that_reuses_goes_on_in_another_process(world: World, server: HttpServer) -> None:
    count_up(server)
    found = spec(
        http("reserve", f"{server.url}/reserve", "POST", body={"id": "${ uuid }"}),
        set_("ids", u="${ uuid }"),
        http("charge", f"{server.url}/charge", "POST", body={"u": "${ .u }"}),
        wait("pause", 50),
    )
    first = await run(world, found)
    targets(server)
    world.clock.stop_at = len(world.clock.slept) + 1
    process = asyncio.create_task(run(world, found, LATER, fork="/charge"))
    await world.clock.stopped.wait()
    process.cancel()
    await asyncio.wait([process])
    world.clock.stop_at = 0
    again = await run(world, found, LATER, fork="/charge")
    assert targets(server) == ["/charge"]
    assert again.metadata("/reserve") == first.metadata("/reserve") | REUSED
    assert again.output_of("/ids") == first.output_of("/ids")
    assert "origin" not in again.metadata("/charge")


@pytest.mark.parametrize(("note", "sent"), [("a note", []), ("another note", ["/charge", "/ship"])])
async def test_after_a_change_only_what_asks_for_something_else_is_done_again(
    note: str, sent: list[str], world: World, server: HttpServer
) -> None:
    count_up(server)
    await run(world, orders(server.url))
    targets(server)
    again = await run(world, orders(server.url, note), LATER, fork="")
    assert targets(server) == sent
    reused = [path for path in again.tasks if again.metadata(path).get("origin")]
    assert reused == (["/reserve"] if sent else ["/reserve", "/charge", "/ship"])


async def test_timers_and_agents_are_reused_too(world: World, agents: StandIn) -> None:
    agents.answer = "fine"
    found = spec(wait("pause", 50), for_("each", "${ [1, 2] }", agent("ask", "helper", "about ${ .item }")))
    await run(world, found)
    world.clock.slept.clear()
    agents.agents.clear()
    again = await run(world, found, LATER, fork="/each/1/ask")
    assert world.clock.slept == []
    assert list(agents.agents) == ["/each/1/ask"]
    assert [path for path in again.tasks if again.metadata(path).get("origin")] == ["/pause", "/each/0/ask"]
    assert again.metadata("/each/0/ask")["child"] == "agx_1"


async def test_attempts_that_failed_are_reused_with_the_last_one(world: World, server: HttpServer) -> None:
    def answer(asked: Asked) -> Reply:
        is_first = asked.target == "/reserve" and len(server.asked) == 1
        return Reply(503) if is_first else json_reply({"n": len(server.asked)})

    server.answer = answer
    await run(world, orders(server.url))
    assert targets(server) == ["/reserve", "/reserve", "/charge", "/ship"]
    world.clock.slept.clear()
    again = await run(world, orders(server.url), LATER, fork="/ids")
    assert (targets(server), world.clock.slept) == (["/charge", "/ship"], [])
    assert again.metadata("/reserve")["attempt"] == 2


async def test_what_failed_is_done_again(world: World, server: HttpServer) -> None:
    server.answer = lambda asked: Reply(422) if asked.target == "/charge" else json_reply({"n": len(server.asked)})
    assert (await run(world, orders(server.url))).phase is Phase.FAILED
    assert targets(server) == ["/reserve", "/charge"]
    count_up(server)
    again = await run(world, orders(server.url), LATER, fork="")
    assert (again.phase, targets(server)) == (Phase.COMPLETED, ["/charge", "/ship"])


async def test_what_was_not_finished_is_done_again(world: World, server: HttpServer) -> None:
    """Nobody knows of the first run whether its request was carried out; the second one asks for it anew."""
    arrived = asyncio.Event()

    async def answer(asked: Asked) -> Reply:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    server.answer = answer
    first = asyncio.create_task(run(world, orders(server.url)))
    await arrived.wait()
    first.cancel()
    await asyncio.wait([first])
    assert steps_of(world, EXECUTION)["/reserve//request/1"].value == UNDER_WAY
    server.asked.clear()
    count_up(server)
    again = await run(world, orders(server.url), LATER, fork="")
    assert (again.phase, targets(server)) == (Phase.COMPLETED, ["/reserve", "/charge", "/ship"])


async def test_an_agent_that_failed_is_called_again(world: World, agents: StandIn) -> None:
    found = spec(agent("ask", "helper", "hi"))
    first = asyncio.create_task(run(world, found))
    await agents.agent_started.wait()
    agents.end_agents(Phase.FAILED, error="the model is gone")
    assert (await first).phase is Phase.FAILED
    agents.agents.clear()
    agents.answer = "fine"
    assert (await run(world, found, LATER, fork="")).phase is Phase.COMPLETED
    assert list(agents.agents) == ["/ask"]


async def test_steps_tell_what_was_asked_for_and_nothing_of_its_secrets(world: World, server: HttpServer) -> None:
    count_up(server)
    await run(world, orders(server.url))
    steps = steps_of(world, EXECUTION)
    assert {key for key, step in steps.items() if step.content} == {
        "/reserve//request/1",
        "/charge//request/1",
        "/ship//request/1",
    }
    assert "s3cr3t" not in json.dumps([step.value for step in steps.values()])


async def test_a_run_of_another_version_is_not_continued(world: World, server: HttpServer) -> None:
    old: dict[str, Any] = {"started": "2026-11-21T10:00:00+00:00", "nonce": "0123456789abcdef"}
    async with world.journal_and_resources() as (journal, _):
        steps = journal.execution(EXECUTION)
        await steps.begin("/", old)
        await steps.complete("/reserve//request", {"answer": {"status": 200, "data": 1, "size": 1, "attempt": 1}})
    reported = await world.run(orders(server.url))
    assert reported.phase is Phase.FAILED
    assert reported.error == (
        "Another version of stigmer-tui began this run, which this one cannot continue: run it again"
    )
    assert (targets(server), steps_of(world, EXECUTION)) == ([], {})
