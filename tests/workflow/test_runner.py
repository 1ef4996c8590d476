"""The runner as a process: it takes work from a server, and whatever becomes of it, the work goes on."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from tests.definition.specs import agent, for_, http, set_, spec, wait
from tests.workflow.http_server import Asked, HttpServer, Reply, json_reply
from tests.workflow.stand_in import StandIn, stand_in
from tests.workflow.world import World, until

pytestmark = pytest.mark.e2e

Process = asyncio.subprocess.Process


class Runner:
    """Processes of one home, one after the other, and the work that they share."""

    def __init__(self, home: Path, server: StandIn, world: World) -> None:
        self.server = server
        self._home = home
        self._world = world
        self.process: Process | None = None

    async def start(self) -> Process:
        command = (sys.executable, "-m", "tests.workflow.runner_process", str(self._home), self.server.address)
        attached = self.server.attached
        self.process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        await until(lambda: self.server.attached > attached)
        return self.process

    def assign(self, found: WorkflowSpec) -> None:
        self.server.assign(self._world.lease(found, secrets={"K": "s3cr3t-of-the-run"}).assignment)

    async def end(self) -> None:
        async with asyncio.timeout(60):
            await self.server.ended.wait()


@pytest.fixture
async def runner(tmp_path: Path, world: World) -> AsyncIterator[Runner]:
    async with stand_in() as server:
        found = Runner(tmp_path / "home", server, world)
        yield found
        if found.process is not None and found.process.returncode is None:
            found.process.kill()
            await found.process.wait()


async def test_a_killed_runner_is_followed_by_one_that_goes_on(runner: Runner, server: HttpServer) -> None:
    server.answer = lambda asked: json_reply({"id": 7})
    found = spec(
        set_("ids", u="${ uuid }", sum="${ 1 + 1 }"),
        for_(
            "f",
            "${ 3 }",
            http("post", f"{server.url}/post", "POST", headers={"A": "${.secrets.K}"}, body={"n": "${ .item }"}),
        ),
        wait("w", 1),
        agent("ask", "helper", "hi"),
        http("last", f"{server.url}/last", "POST", body={"u": "${ .u }", "said": "${ .ask.response }"}),
    )
    first = await runner.start()
    runner.assign(found)
    await runner.server.agent_started.wait()
    first.kill()
    await first.wait()
    await runner.start()
    runner.assign(found)
    runner.server.end_agents(Phase.COMPLETED, "hello")
    await runner.end()
    reported = runner.server.reported
    assert (reported.error, reported.phase) == ("", Phase.COMPLETED)
    assert [asked.json for asked in server.asked] == [
        {"n": 0},
        {"n": 1},
        {"n": 2},
        {"u": reported.output_of("/ids")["u"], "said": "hello"},
    ]
    assert set(reported.statuses.values()) == {"completed"}
    assert list(runner.server.agents) == ["/ask"]


async def test_a_runner_killed_in_the_middle_of_a_request_says_so(runner: Runner, server: HttpServer) -> None:
    arrived = asyncio.Event()

    async def never(asked: Asked) -> Reply:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    server.answer = never
    first = await runner.start()
    runner.assign(spec(http("charge", server.url, "POST", body={})))
    await arrived.wait()
    first.kill()
    await first.wait()
    await runner.start()
    runner.assign(spec(http("charge", server.url, "POST", body={})))
    await runner.end()
    assert "the runner was stopped while the request was under way" in runner.server.reported.error
    assert len(server.asked) == 1


async def test_a_stopped_runner_ends_in_good_order_and_leaves_nothing_behind(
    runner: Runner, server: HttpServer
) -> None:
    release = asyncio.Event()

    async def slowly(asked: Asked) -> Reply:
        await release.wait()
        return json_reply({"id": 7})

    server.answer = slowly
    found = spec(
        set_("s", x="${ 1 + 1 }"), http("charge", server.url, "POST", body={}), set_("t", id="${ .charge.id }")
    )
    first = await runner.start()
    runner.assign(found)
    await until(lambda: bool(server.asked))
    children = psutil.Process(first.pid).children(recursive=True)
    assert len(children) == 1, "the process that evaluates"
    first.send_signal(signal.SIGTERM)
    await asyncio.sleep(0.1)
    release.set()
    assert await first.wait() == 0
    assert not any(child.is_running() for child in children)
    await runner.start()
    runner.assign(found)
    await runner.end()
    assert (runner.server.reported.output, len(server.asked)) == ({"id": 7}, 1)


async def test_a_killed_runner_takes_its_helper_with_it(runner: Runner) -> None:
    first = await runner.start()
    runner.assign(spec(set_("s", x="${ 1 + 1 }"), wait("w", 60)))
    await until(lambda: runner.server.reported.statuses.get("/s") == "completed")
    [child] = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    await first.wait()
    assert psutil.wait_procs([child], timeout=5)[1] == []
