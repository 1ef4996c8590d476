"""Finding runs by a text in them, on a server with thousands: the first hit, all of them, and that there is none."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from string import ascii_lowercase

from stigmer_tui.api.agent_execution_pb2 import (
    MESSAGE_AI,
    AgentExecution,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    ExecutionPhase,
)
from stigmer_tui.api.catalogue_pb2 import Run, SearchRequest
from stigmer_tui.core.paths import Home
from tests.benchmarks.report import heading, line, percentile
from tests.server.builders import agent, agent_run
from tests.server.conftest import Api, running

RUNS = 5000
RARE = 1000
"""One in so many has the text."""
MESSAGES, LINES, WORDS = 9, 30, 12
"""Of each run; 23 kB together."""
REPETITIONS = 5


async def measure() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        async with running(home) as api:
            stored = await api.agents.apply(agent())
            run = await api.agent_runs.create(agent_run(stored.metadata.id))
            status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_COMPLETED)
            ended = AgentExecutionUpdateStatusInput(execution_id=run.metadata.id, status=status)
            await api.agent_runs.updateStatus(ended)
        size = multiply(Home(home).database)
        async with running(home) as api:
            heading(f"{RUNS:,} runs, {size / 1e6:.0f} MB of text")
            first, whole = await times(api, "needle")
            line("the first hit, of one in a thousand", first, "ms", 250)
            line("all of these", whole, "ms", 1000)
            line("nothing found", (await times(api, "zzqqzz"))[1], "ms", 1000)
            line("the newest 50, without a text", (await times(api, ""))[1], "ms", 30)


def multiply(database: Path) -> int:
    """Makes of the one execution as many as are wanted, each with texts of its own; returns their size in bytes."""
    chosen = random.Random(1)
    words = ["".join(chosen.choices(ascii_lowercase, k=6)) for _ in range(5000)]
    connection = sqlite3.connect(database, isolation_level=None)
    columns = [column[1] for column in connection.execute("PRAGMA table_info(executions)")]
    row = dict(zip(columns, connection.execute("SELECT * FROM executions").fetchone(), strict=True))
    execution, summary, size = AgentExecution.FromString(row["data"]), Run.FromString(row["summary"]), 0
    connection.execute("BEGIN")
    for number in range(RUNS):
        summary.id = execution.metadata.id = f"agx_00{number:024}"
        del execution.status.messages[:]
        for _ in range(MESSAGES):
            text = "\n".join(" ".join(chosen.choices(words, k=WORDS)) for _ in range(LINES))
            execution.status.messages.add(type=MESSAGE_AI, content=text)
        if number % RARE == 0:
            execution.status.messages[0].content += " Needle"
        data = execution.SerializeToString()
        size += len(data)
        age = execution.metadata.id.partition("_")[2]
        other = row | {"id": summary.id, "age": age, "data": data, "summary": summary.SerializeToString()}
        connection.execute(f"INSERT INTO executions VALUES ({', '.join('?' * len(columns))})", list(other.values()))
    connection.execute("COMMIT")
    connection.close()
    return size


async def times(api: Api, text: str) -> tuple[float, float]:
    """Milliseconds to the first response, and to the last."""
    firsts, wholes = [], []
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        first = 0.0
        async for _response in api.catalogue.search(SearchRequest(org="local", text=text)):
            first = first or time.perf_counter() - started
        firsts.append(first * 1000)
        wholes.append((time.perf_counter() - started) * 1000)
    return percentile(firsts, 0.5), percentile(wholes, 0.5)


if __name__ == "__main__":
    asyncio.run(measure())
