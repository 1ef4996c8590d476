"""What the engine port promises beyond what the kinds of tasks ask for today."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from stigmer_tui.workflow.child_executions import ChildExecutions
from stigmer_tui.workflow.embedded.engine import EmbeddedEngine
from stigmer_tui.workflow.embedded.seed import start_run
from stigmer_tui.workflow.failures import AGENT, TaskFailure
from stigmer_tui.workflow.port import (
    ActivityPolicy,
    ChildEnd,
    ChildKind,
    ChildRequest,
    ChildResult,
    EnginePort,
    HttpRequest,
    HttpResponse,
)
from stigmer_tui.workflow.secrets import SecretValues
from stigmer_tui.workflow.worker import ActivityWorker
from tests.definition.specs import set_, spec
from tests.workflow.http_server import Asked, HttpServer, Reply, json_reply
from tests.workflow.stand_in import StandIn
from tests.workflow.world import World


@asynccontextmanager
async def engine(world: World) -> AsyncIterator[EnginePort]:
    """As one process has it, on the journal that it shares with those before it."""
    async with world.journal_and_resources() as (journal, resources):
        lease = world.lease(spec(set_("s", v="1")))
        steps = journal.execution(lease.execution_id)
        values = SecretValues({}, (), "nonce")
        children = ChildExecutions(resources.channel, lease, resources.sleep)
        worker = ActivityWorker(values, resources.evaluator, resources.http, children)
        yield EmbeddedEngine(lease, steps, start_run(steps, resources.clock), resources, worker, values.marks)
        await steps.flush()


async def test_a_workflow_as_a_child_is_refused_in_words(world: World, agents: StandIn) -> None:
    async with engine(world) as port:
        result = await port.child("/run", ChildRequest(ChildKind.WORKFLOW, "billing", "hi"), lambda child: None)
    assert result == ChildResult(ChildEnd.NOT_STARTED, error="there are no workflows in workflows")


async def test_a_signal_is_refused_in_words(world: World) -> None:
    async with engine(world) as port:
        with pytest.raises(TaskFailure, match="the signal paid cannot be waited for: this engine has no signals yet"):
            await port.signal("/listen//signal", "paid")


async def test_branches_run_at_the_same_time_and_are_recorded_each_by_its_key(world: World, server: HttpServer) -> None:
    arrived = asyncio.Barrier(3)

    async def answer(asked: Asked) -> Reply:
        await arrived.wait()
        return json_reply({"n": len(server.asked)})

    server.answer = answer

    async def branch(port: EnginePort, number: int) -> int:
        request = HttpRequest("POST", f"{server.url}/{number}")
        result = await port.activity(f"/fork/{number}/h//request/1", request, ActivityPolicy.ONCE)
        assert isinstance(result, HttpResponse)
        return number

    for _ in range(2):
        async with engine(world) as port:
            assert await port.parallel([branch(port, number) for number in range(3)]) == [0, 1, 2]
    assert len(server.asked) == 3


async def test_a_branch_that_fails_ends_the_others(world: World) -> None:
    ended: list[str] = []

    async def fails() -> None:
        raise TaskFailure(AGENT, "no")

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waits")

    async with engine(world) as port:
        with pytest.raises(TaskFailure, match="no"):
            await port.parallel([waits(), fails()])
    assert ended == ["waits"]


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)])
async def test_a_wait_is_as_long_as_asked_when_the_clock_is_set_meanwhile(world: World, step: timedelta) -> None:
    """With a clock that was set back by an hour, it lasted an hour longer."""
    async with engine(world) as port:
        waiting = asyncio.create_task(port.timer("/wait//timer", 90))
        while not world.clock.slept:  # noqa: ASYNC110 - the clock has no event for it
            await asyncio.sleep(0)
        world.clock.moment += step
        await waiting
    assert world.clock.slept == [60.0, 30.0]


@pytest.mark.parametrize(("minutes", "slept"), [(-60, [60.0, 30.0]), (1, [30.0]), (60, [])])
async def test_a_resumed_wait_ends_when_it_is_due_and_is_never_longer_than_the_whole(
    world: World, minutes: int, slept: list[float]
) -> None:
    world.clock.stop_at = 1
    async with engine(world) as port:
        waiting = asyncio.create_task(port.timer("/wait//timer", 90))
        await world.clock.stopped.wait()
        waiting.cancel()
    world.clock.stop_at, world.clock.slept = 0, []
    world.clock.moment += timedelta(minutes=minutes)
    async with engine(world) as port:
        await port.timer("/wait//timer", 90)
    assert world.clock.slept == slept
