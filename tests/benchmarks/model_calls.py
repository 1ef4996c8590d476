"""What an agent adds to its model: `python -m tests.benchmarks.model_calls`.

A real daemon, whose agents ask a server that answers like a provider, at once. The reference is a bare loop that parses
the same streams.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import psutil
from grpc.aio import Channel

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.agent_execution_pb2_grpc import AgentExecutionCommandControllerStub
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.execution_pb2 import FollowRequest
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.api.kinds import AGENT_EXECUTION, API_VERSION
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.daemon_processes import AGENT_RUNNER
from stigmer_tui.daemon.record import read_record
from stigmer_tui.daemon.token import read_token
from tests.agents.provider_server import Answer, ProviderServer, Wire, anthropic_events, openai_events, provider_server
from tests.benchmarks.report import heading, line, percentile
from tests.e2e.world import World

RUNS = 30
SHORT, LONG = 5, 15
"""Turns of two runs: the difference has neither the beginning nor the end of a run in it."""
CALLS_IN_A_TURN = 11
TOKENS = 40_000
WIRES: dict[str, tuple[Wire, str]] = {
    "openai": (openai_events, "/chat/completions"),
    "anthropic": (anthropic_events, "/v1/messages"),
}

AGENT = """
from stigmer_tui.sdk import Agent

Agent("clerk", description="Answers", instructions="Answer in one sentence.")
"""

BARE_LOOP = """
import json, sys, time
import httpx2

url, count = sys.argv[1], int(sys.argv[2])
body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
with httpx2.Client() as client:
    began, spent = time.perf_counter(), time.process_time()
    for _ in range(count):
        with client.stream("POST", url, json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: {"):
                    json.loads(line[6:])
    print(time.perf_counter() - began, time.process_time() - spent)
"""


async def main() -> None:
    for provider, (wire, path) in WIRES.items():
        async with provider_server(wire, Answer(["Good morning."])) as model, agents_of(provider, model.url) as agents:
            heading(f"An agent and the wire format of {provider}")
            bench = Bench(agents, model, model.url + path)
            await bench.first_requests()
            await bench.calls()
            await bench.tokens()


@dataclass(frozen=True, slots=True)
class Agents:
    """A daemon with one agent."""

    channel: Channel
    agent_id: str
    runner: psutil.Process


@asynccontextmanager
async def agents_of(provider: str, url: str) -> AsyncIterator[Agents]:
    variables = {"STIGMER_LLM_PROVIDER": provider, "STIGMER_LLM_BASE_URL": url, "STIGMER_LLM_API_KEY": "key"}
    with tempfile.TemporaryDirectory() as folder, closing(World(Path(folder), variables)) as world:
        project = world.project(AGENT)
        await asyncio.to_thread(world.run, "apply", cwd=project)
        (agent,) = json.loads((await asyncio.to_thread(world.run, "list", "--output", "json")).out)
        record = read_record(world.home)
        assert record is not None
        [runner] = [
            process for process in psutil.Process(record.pid).children() if AGENT_RUNNER.command in process.cmdline()
        ]
        await _settled(runner)
        channel = open_channel(record.address, read_token(world.home.token))
        try:
            yield Agents(channel, agent["id"], runner)
        finally:
            await channel.close()


async def _settled(process: psutil.Process) -> None:
    """Until it has loaded what it loads beforehand."""
    spent = -1.0
    while (now := sum(process.cpu_times()[:2])) > spent:
        spent = now
        await asyncio.sleep(1)


class Bench:
    def __init__(self, agents: Agents, model: ProviderServer, url: str) -> None:
        self._agents = agents
        self._commands = AgentExecutionCommandControllerStub(agents.channel)
        self._executions = ExecutionControllerStub(agents.channel)
        self._model = model
        self._url = url

    async def first_requests(self) -> None:
        self._model.answers[:] = [Answer(["Good morning."])]
        times = []
        for _ in range(RUNS):
            seen = len(self._model.requests)
            began = time.perf_counter()
            execution = await self._create()
            while len(self._model.requests) == seen:  # noqa: ASYNC110 - it is the clock that is read
                await asyncio.sleep(0.0005)
            times.append((time.perf_counter() - began) * 1000)
            await self._ended(execution)
        line("creation to the first request, first run", times[0], "ms", 30)
        line("creation to the first request, p50 of the others", percentile(times[1:], 0.5), "ms", 10)

    async def calls(self) -> None:
        """One call of a tool in a turn, then several: the difference is theirs, the rest that of the turns.

        Each round measures everything, the reference too: the machine may be slower at one time than at another.
        """
        models, tools = [], []
        for _ in range(RUNS):
            few, many = [await self._turn(count) for count in (1, CALLS_IN_A_TURN)]
            tool = (many - few) / (CALLS_IN_A_TURN - 1)
            self._model.answers[:] = [_turn(0, 1)]
            bare, _ = await self._bare(LONG)
            models.append(few - tool - bare / LONG * 1000)
            tools.append(tool)
        line("a model call, beyond a bare loop's", percentile(models, 0.5), "ms", 3)
        line("a tool call", percentile(tools, 0.5), "ms", 2)

    async def tokens(self) -> None:
        answer = Answer(["word "] * TOKENS)
        self._model.answers[:] = [answer]
        spent = sum(self._agents.runner.cpu_times()[:2])
        await self._ended(await self._create())
        own = sum(self._agents.runner.cpu_times()[:2]) - spent
        _, bare = await self._bare(1)
        line("processor for each streamed token", own / TOKENS * 1e6, "µs")
        line("  times a bare loop's that parses the same stream", own / bare, "×", 2)

    async def _turn(self, calls: int) -> float:
        """Milliseconds of one turn in a run."""
        short, long = [await self._run_of(turns, calls) for turns in (SHORT, LONG)]
        return (long - short) / (LONG - SHORT)

    async def _run_of(self, turns: int, calls: int) -> float:
        self._model.answers[:] = _answers(turns, calls)
        began = time.perf_counter()
        await self._ended(await self._create())
        return (time.perf_counter() - began) * 1000

    async def _bare(self, count: int) -> tuple[float, float]:
        """Seconds, of the clock and of the processor."""
        command = (sys.executable, "-c", BARE_LOOP, self._url, str(count))
        process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
        output, _ = await process.communicate()
        took, spent = map(float, output.split())
        return took, spent

    async def _create(self) -> AgentExecution:
        execution = AgentExecution(api_version=API_VERSION, kind=AGENT_EXECUTION.name)
        execution.metadata.org = "local"
        execution.metadata.name = "bench"
        execution.spec.agent_id = self._agents.agent_id
        execution.spec.message = "Hi"
        return await self._commands.create(execution)

    async def _ended(self, execution: AgentExecution) -> None:
        async for answer in self._executions.follow(FollowRequest(execution_id=execution.metadata.id)):
            phase = answer.agent_delta.phase or answer.agent_snapshot.status.phase
            if (ended := Phase(phase)).is_final:
                assert ended is Phase.COMPLETED, answer
                return


def _answers(turns: int, calls_in_turn: int) -> list[Answer]:
    return [*(_turn(number, calls_in_turn) for number in range(turns)), Answer(["Done."])]


def _turn(number: int, calls_in_turn: int) -> Answer:
    # Each has arguments of its own: a model that repeats itself is stopped.
    calls = [(f"call_{number}_{index}", "glob", {"pattern": f"{number}-{index}"}) for index in range(calls_in_turn)]
    return Answer(calls=calls)


if __name__ == "__main__":
    asyncio.run(main())
