"""Workflows measured through a runner process, a stand-in for the server, and a local HTTP server:
`python -m tests.benchmarks.workflows`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from stigmer_tui.api.workflow_pb2 import WorkflowSpec
from stigmer_tui.definition.validation import parse
from stigmer_tui.workflow.evaluator import Evaluator
from tests.benchmarks.report import heading, line
from tests.definition.specs import for_, http, set_, spec
from tests.workflow.http_server import HttpServer, http_server, json_reply
from tests.workflow.stand_in import StandIn, stand_in
from tests.workflow.world import Reported, World, world

ITEM = {"id": 7, "title": "an item", "tags": ["tag"] * 20}
IDLE = 10
"""Seconds in which nothing is to happen."""


@asynccontextmanager
async def runner(home: Path, address: str) -> AsyncIterator[psutil.Process]:
    command = (sys.executable, "-m", "tests.workflow.runner_process", str(home), address)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, cwd=Path(__file__).parents[2])
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def seconds(found: WorkflowSpec, server: StandIn, made: World, number: int) -> float:
    """From the assignment of a run to its last report."""
    assignment = made.lease(found, secrets={"TOKEN": "s3cr3t"}).assignment
    assignment.lease_id = f"lease_{number}"
    assignment.workflow.execution.metadata.id = f"wfx_{number}"
    server.reported = Reported()
    server.ended.clear()
    began = time.perf_counter()
    server.assign(assignment)
    await server.ended.wait()
    took = time.perf_counter() - began
    if server.reported.error:
        raise SystemExit(server.reported.error)
    return took


def many(count: int, value: str) -> WorkflowSpec:
    return spec(for_("each", f"${{ {count} }}", set_("note", value=value)))


async def measure_tasks(server: StandIn, made: World) -> None:
    heading("Tasks, journaled and reported")
    await seconds(many(1, "warm"), server, made, 0)
    line("one SET, from assignment to the end", await seconds(many(1, "x"), server, made, 1) * 1000, "ms")
    for number, (what, value) in enumerate(
        (("a literal", "x"), ("a reference", "${ .item }"), ("an expression", "${ .item + 1 }")), 2
    ):
        took = await seconds(many(4000, value), server, made, number)
        line(f"4,000 SET with {what}: {4000 / took:,.0f} a second", took * 250, "ms", 500, "for each 1,000")


async def measure_requests(server: StandIn, made: World, web: HttpServer) -> None:
    heading("200 requests in a row to a local server")
    uri = f"{web.url}/${{ $context.first.title }}"
    headers = {"Authorization": "Bearer ${.secrets.TOKEN}"}
    first = http("first", web.url, export="${.}")
    for number, method in enumerate(("GET", "POST"), 10):
        tasks = (
            http(f"call{index}", uri, method, headers=headers, body={"n": "${ .first.id }"}) for index in range(200)
        )
        took = await seconds(spec(first, *tasks), server, made, number)
        line(f"{method}, in {len(server.reported.deltas)} reports", took * 1000, "ms", 600)


async def measure_evaluation() -> None:
    heading("Expressions")
    evaluator = Evaluator()
    began = time.perf_counter()
    await evaluator.run("1", "{}")
    line("first value, with the start of the process", (time.perf_counter() - began) * 1000, "ms")
    began = time.perf_counter()
    for _ in range(2000):
        await evaluator.run(".a == 200", '{".": {"a": 200}}')
    line("a value", (time.perf_counter() - began) / 2000 * 1e6, "µs")
    began = time.perf_counter()
    for number in range(100):
        await evaluator.run(f".a == {number}", '{".": {"a": 200}}')
    line("a value of a new expression", (time.perf_counter() - began) / 100 * 1e6, "µs")
    await evaluator.close()
    found = spec(*(set_(f"set{index}", value=f"${{ .a == {index} }}") for index in range(200)))
    parse(found)
    began = time.perf_counter()
    parse(spec(*(set_(f"set{index}", value=f"${{ .b == {index} }}") for index in range(200))))
    line("validation of 200 tasks with an expression each", (time.perf_counter() - began) * 1000, "ms")


async def measure_idle(process: psutil.Process) -> None:
    heading("The process, idle after all this")
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(IDLE)
    line("share of a core", (sum(process.cpu_times()[:2]) - before) / IDLE * 100, "%")
    for each in (process, *process.children()):
        line(f"memory of its own, pid {each.pid}", each.memory_full_info().uss / 1e6, "MB")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder)) as made, stand_in() as server, http_server() as web:
            web.answer = lambda asked: json_reply(ITEM)
            async with runner(Path(folder) / "home", server.address) as process:
                await measure_tasks(server, made)
                await measure_requests(server, made, web)
                await measure_evaluation()
                await measure_idle(process)


if __name__ == "__main__":
    asyncio.run(main())
