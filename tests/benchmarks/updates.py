"""From a runner's update to the event on a client: `python -m tests.benchmarks.updates`.

A real server in a process of its own with a store on disk, and a client that follows an execution through gRPC.
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

from grpc.aio import Channel

from stigmer_tui.api.agent_execution_pb2 import (
    MESSAGE_AI,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    AgentMessage,
)
from stigmer_tui.api.agent_execution_pb2_grpc import AgentExecutionCommandControllerStub
from stigmer_tui.api.agent_pb2_grpc import AgentCommandControllerStub
from stigmer_tui.api.channel import open_channel
from stigmer_tui.api.execution_pb2 import FollowRequest
from stigmer_tui.api.execution_pb2_grpc import ExecutionControllerStub
from stigmer_tui.api.phases import Phase
from tests.benchmarks.report import heading, line, percentile
from tests.server.builders import agent, agent_run
from tests.server.conftest import running

ROUNDS = 500


async def main() -> None:
    heading(f"updateStatus to the event on the client, {ROUNDS} updates one after the other")
    with tempfile.TemporaryDirectory() as folder:
        async with server(Path(folder)) as channel:
            times = await _update_times(channel)
    line("p50", percentile(times, 0.5) * 1000, "ms", 3)
    line("p95", percentile(times, 0.95) * 1000, "ms")


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Channel]:
    """Without runners: nobody works on what is measured."""
    command = (sys.executable, "-m", "tests.benchmarks.updates", str(folder))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    channel = open_channel((await process.stdout.readline()).decode().strip(), "")
    try:
        yield channel
    finally:
        await channel.close()
        process.stdin.close()
        await process.wait()


async def serve(folder: Path) -> None:
    """Until standard input ends."""
    async with running(folder) as api:
        sys.stdout.write(f"{api.server.address}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


async def _update_times(channel: Channel) -> list[float]:
    stored = await AgentCommandControllerStub(channel).apply(agent())
    runs = AgentExecutionCommandControllerStub(channel)
    execution_id = (await runs.create(agent_run(stored.metadata.id))).metadata.id
    times = []
    responses = ExecutionControllerStub(channel).follow(FollowRequest(execution_id=execution_id))
    arrivals = aiter(responses)
    await anext(arrivals)
    for number in range(ROUNDS):
        message = AgentMessage(type=MESSAGE_AI, content=f"This is word {number}")
        status = AgentExecutionStatus(phase=Phase.IN_PROGRESS.for_agent, messages=[message])
        started = time.perf_counter()
        update = asyncio.ensure_future(
            runs.updateStatus(AgentExecutionUpdateStatusInput(execution_id=execution_id, status=status))
        )
        await anext(arrivals)
        times.append(time.perf_counter() - started)
        await update
    responses.cancel()
    return times


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])) if len(sys.argv) > 1 else main())
