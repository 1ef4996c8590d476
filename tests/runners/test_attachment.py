"""A runner's life: what goes wrong with one lease ends that lease, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.api.agent_execution_pb2 import AgentExecutionId
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.core.storage_errors import Fault, StorageError
from stigmer_tui.runners.attachment import Profile, serve
from stigmer_tui.runners.lease import Lease, reporting
from tests.server.builders import agent, agent_run
from tests.server.conftest import Api, running

LIMIT = 60.0
RUNNING = AgentExecutionDelta(phase=Phase.IN_PROGRESS.for_agent)

Work = Callable[[Lease], Awaitable[None]]


@asynccontextmanager
async def working(api: Api, *works: Work) -> AsyncIterator[list[str]]:
    """A runner, and an execution for each piece of work, given out in this order; their ids."""
    stored = await api.agents.apply(agent())
    executions = [(await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id for _ in works]
    by_id = dict(zip(executions, works, strict=True))
    stopping = asyncio.Event()

    async def work(lease: Lease) -> None:
        await by_id[lease.execution_id](lease)

    serving = asyncio.create_task(serve(api.runner_channel, Profile(Hello.AGENTS, 10), work, stopping))
    yield executions
    assert not serving.done(), "the runner has ended"
    stopping.set()
    await asyncio.wait_for(serving, LIMIT)


async def outcome(api: Api, execution_id: str) -> tuple[Phase, str]:
    async with asyncio.timeout(LIMIT):
        async for execution in api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id)):
            phase, error = Phase(execution.status.phase), execution.status.error
    return phase, error


async def completes(lease: Lease) -> None:
    await lease.report(RUNNING)
    await lease.report_end(Phase.COMPLETED)


def fails_with(error: BaseException) -> Work:
    async def work(lease: Lease) -> None:
        raise error

    return work


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as api:
        yield api


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LookupError("'hex' is not a text encoding"), "an internal error: LookupError"),
        (StorageError(Path("agents.db"), Fault.DAMAGED), "Cannot use agents.db: it is damaged"),
        (asyncio.CancelledError(), "given up"),
    ],
)
async def test_an_error_of_one_lease_ends_that_lease_only(api: Api, error: BaseException, words: str) -> None:
    """Point 33."""
    async with working(api, fails_with(error), completes) as [failed, other]:
        phase, said = await outcome(api, failed)
        assert (phase, words in said) == (Phase.FAILED, True)
        assert await outcome(api, other) == (Phase.COMPLETED, "")


@pytest.fixture
def refusing(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the server fail at so many reports of work under way."""
    left = 0
    change = api.server.executions.change

    async def failing(live: Any, delta: Any) -> int:
        nonlocal left
        if left:
            left -= 1
            raise ValueError("UNIQUE constraint failed")
        return await change(live, delta)

    monkeypatch.setattr(api.server.executions, "change", failing)

    def refuse(count: int) -> None:
        nonlocal left
        left = count

    return refuse


async def test_a_report_that_the_server_fails_at_ends_that_lease_with_a_word(
    api: Api, refusing: Callable[[int], None]
) -> None:
    """Point 33: the runner ended with it, and took its other leases along."""

    async def refused(lease: Lease) -> None:
        refusing(1)
        await lease.report(RUNNING)

    async with working(api, refused, completes) as [failed, other]:
        phase, said = await outcome(api, failed)
        assert (phase, "could not take a report" in said) == (Phase.FAILED, True)
        assert await outcome(api, other) == (Phase.COMPLETED, "")


async def test_a_background_report_that_fails_ends_work_that_waits(api: Api, refusing: Callable[[int], None]) -> None:
    """Point 33: nobody was told of it until the work reported again, which may be never."""

    async def waits(lease: Lease) -> None:
        async with reporting(lease, lambda: RUNNING) as reporter:
            refusing(1)
            reporter.touch()
            await asyncio.Event().wait()

    async with working(api, waits) as [failed]:
        phase, said = await outcome(api, failed)
        assert (phase, "could not take a report" in said) == (Phase.FAILED, True)


@asynccontextmanager
async def probed(api: Api) -> AsyncIterator[None]:
    """One question after the other."""

    async def probe() -> None:
        seen = 0
        while not (asks := list(api.processes.probed.values())):
            seen = await api.processes.changes.after(seen)
        while True:
            await asks[0](LIMIT)

    probing = asyncio.create_task(probe())
    yield
    probing.cancel()


async def test_an_execution_whose_end_cannot_be_reported_is_given_out_again(
    api: Api, refusing: Callable[[int], None]
) -> None:
    """Point 33: the server misses it among what the runner works on."""
    attempts: list[int] = []

    async def fails_once(lease: Lease) -> None:
        attempts.append(lease.assignment.attempt)
        if len(attempts) == 1:
            refusing(2)
            await lease.report(RUNNING)
        await lease.report_end(Phase.COMPLETED)

    async with working(api, fails_once) as [execution_id], probed(api):
        assert await outcome(api, execution_id) == (Phase.COMPLETED, "")
    assert attempts == [1, 2]
