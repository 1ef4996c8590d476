"""The agent runner measured as a process: `python -m tests.benchmarks.agents`."""

# ruff: noqa: T201

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from stigmer_tui.api.runner_pb2 import Assignment
from tests.agents.conftest import assignment
from tests.agents.controller import Controller, controller
from tests.agents.ledger import Ledger
from tests.agents.provider_server import Answer, anthropic_events, openai_events, provider_server

TOKENS_PER_SECOND = 5_000
SECONDS = 4
QUICK = "turns: [{say: Good morning to you., delay: 0}]"


@asynccontextmanager
async def runner(server: Controller, environment: Mapping[str, str]) -> AsyncIterator[psutil.Process]:
    with tempfile.TemporaryDirectory() as home:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.agents.process", server.address),
            stdin=PIPE,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(sys.path), "STIGMER_HOME": home, **environment},
            cwd=Path(__file__).parents[2],
        )
        await server.hellos.get()
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()
            await process.wait()


async def loaded(process: psutil.Process) -> None:
    """Waits until a runner has nothing to do any more."""
    spent = -1.0
    while (now := sum(process.cpu_times()[:2])) > spent:
        spent = now
        await asyncio.sleep(0.5)


def leased(number: int, script: str = "") -> Assignment:
    it = assignment(script, execution_id=f"agx_{number:04}", session_id="ses_1")
    it.lease_id = str(number)
    return it


async def attach_and_memory(environment: Mapping[str, str], name: str) -> None:
    async with controller() as server:
        began = time.perf_counter()
        async with runner(server, environment) as process:
            attached = time.perf_counter() - began
            await loaded(process)
            memory = process.memory_full_info()
            spent = sum(process.cpu_times()[:2])
            await asyncio.sleep(20)
            idle = (sum(process.cpu_times()[:2]) - spent) / 20
            print(f"{name:42} attached in {attached * 1000:4.0f} ms, rss {memory.rss / 1e6:4.0f} MB, ", end="")
            print(f"uss {memory.uss / 1e6:4.0f} MB, idle {idle:.2%} of a core")


async def first_token() -> None:
    async with controller() as server, runner(server, {}) as process:
        await loaded(process)
        times = []
        for number in range(30):
            ledger = Ledger()
            began = time.perf_counter()
            server.assign(leased(number, QUICK), ledger)
            await ledger.until(lambda ledger: bool(ledger.answers))
            times.append((time.perf_counter() - began) * 1000)
            await ledger.until(lambda ledger: ledger.phase.is_final)
        median, worst = statistics.median(times), sorted(times)[-2]
        print(f"assignment to first reported token          first {times[0]:.1f}, p50 {median:.1f}, p95 {worst:.1f} ms")


async def fast_stream(provider: str) -> None:
    """A model that says 5,000 tokens a second, one in each event."""
    answer = Answer(["word "] * TOKENS_PER_SECOND * SECONDS)
    wire = {"anthropic": anthropic_events, "openai": openai_events}[provider]
    async with controller() as server, provider_server(wire, answer, pace=TOKENS_PER_SECOND) as model:
        environment = {
            "STIGMER_LLM_PROVIDER": provider,
            "STIGMER_LLM_BASE_URL": model.url,
            "STIGMER_LLM_API_KEY": "key",
        }
        async with runner(server, environment) as process:
            await loaded(process)
            before = sum(process.cpu_times()[:2])
            ledger = Ledger()
            server.assign(leased(1), ledger)
            await ledger.until(lambda ledger: bool(ledger.answers))
            began, loading = time.perf_counter(), sum(process.cpu_times()[:2])
            await ledger.until(lambda ledger: ledger.phase.is_final)
            took, spent = time.perf_counter() - began, sum(process.cpu_times()[:2]) - loading
            assert ledger.answers == ["word " * TOKENS_PER_SECOND * SECONDS], ledger.status.error
            print(f"{provider} at {TOKENS_PER_SECOND * SECONDS / took:,.0f} tokens/s".ljust(43), end=" ")
            print(f"{spent / took:.0%} of a core, {len(ledger.reports) / took:.0f} reports/s", end=", ")
            print(f"{process.memory_full_info().rss / 1e6:.0f} MB, loaded in {loading - before:.1f} s of CPU")


async def full_speed() -> None:
    words = 100_000
    async with controller() as server, runner(server, {}) as process:
        await loaded(process)
        ledger = Ledger()
        server.assign(leased(1, f"turns: [{{say: '{'word ' * words}', delay: 0}}]"), ledger)
        await ledger.until(lambda ledger: bool(ledger.answers))
        began, before = time.perf_counter(), sum(process.cpu_times()[:2])
        await ledger.until(lambda ledger: ledger.phase.is_final)
        took, spent = time.perf_counter() - began, sum(process.cpu_times()[:2]) - before
        print(f"a script at full speed                      {words / took:,.0f} words/s, ", end="")
        print(f"{spent / words * 1e6:.0f} µs each")


async def main() -> None:
    await attach_and_memory({}, "no provider")
    await attach_and_memory({"ANTHROPIC_API_KEY": "key"}, "a provider that is not used yet")
    await first_token()
    await fast_stream("openai")
    await fast_stream("anthropic")
    await full_speed()


if __name__ == "__main__":
    asyncio.run(main())
