"""The write and the version are one, a disk that is full holds runs up and no more, and nobody's run is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecutionId, AgentMessage
from stigmer_tui.api.daemon_pb2 import StatusRequest
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, CancelRequest, MessageDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello, StartAgentRequest
from stigmer_tui.core import sqlite
from stigmer_tui.core.sqlite import Database
from stigmer_tui.core.storage_errors import Fault, StorageError
from stigmer_tui.server.execution_store import ExecutionStore
from tests.core.faults import Faults
from tests.server.builders import agent, agent_run
from tests.server.conftest import Api, running
from tests.server.runner import Runner, attached
from tests.server.test_leases import workflow_execution

LIMIT = 60.0
RUNNING = AgentExecutionDelta(phase=Phase.IN_PROGRESS.for_agent)
DONE = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)


def said(index: int, text: str) -> AgentExecutionDelta:
    return AgentExecutionDelta(messages=[MessageDelta(index=index, message=AgentMessage(content=text))])


async def created(api: Api) -> str:
    stored = await api.agents.apply(agent())
    return (await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id


async def final_phase(api: Api, execution_id: str) -> tuple[Phase, str]:
    async with asyncio.timeout(LIMIT):
        async for execution in api.agent_run_queries.subscribe(AgentExecutionId(value=execution_id)):
            phase, error = Phase(execution.status.phase), execution.status.error
    return phase, error


@asynccontextmanager
async def blocked(database: Database) -> AsyncIterator[Callable[[], None]]:
    """The writing thread, until the function is called."""
    gate = threading.Event()
    waiting = database.write(lambda db: gate.wait(LIMIT))
    yield gate.set
    gate.set()
    await waiting


def database_of(api: Api) -> Database:
    return api.server.executions.store._database


async def test_a_change_whose_caller_is_cancelled_is_seen_as_it_is_stored(api: Api) -> None:
    """Point 33: once queued, the write happens; the state follows it, whoever waits."""
    live = api.server.executions.open(await created(api))
    for delta in (RUNNING, said(0, "first")):
        async with blocked(database_of(api)) as release:
            change = asyncio.create_task(api.server.executions.change(live, delta))
            await asyncio.sleep(0)
            change.cancel()
            release()
            await asyncio.wait((change,))
        stored = api.server.executions.store.load(live.id)
        assert stored is not None
        assert (stored.version, stored.execution) == (live.state.version, live.state.execution)
    assert await api.server.executions.change(live, said(1, "second")) == 4


async def test_a_state_that_is_not_the_stored_one_is_read_again(api: Api) -> None:
    """Point 33: whatever led to it, the next report does not fail for it."""
    live = api.server.executions.open(await created(api))
    await api.server.executions.change(live, RUNNING)
    stale = live.state.version
    await api.server.executions.change(live, said(0, "first"))
    live.state.version = stale
    await api.server.executions.change(live, said(1, "second"))
    stored = api.server.executions.store.load(live.id)
    assert stored is not None
    assert stored.execution == live.state.execution
    assert [message.content for message in stored.execution.status.messages] == ["first", "second"]  # type: ignore[union-attr]


async def test_a_report_that_cannot_be_applied_is_not_stored(tmp_path: Path) -> None:
    """Point 33: it would be met again at each start."""
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        execution_id = await created(api)
        lease = (await runner.assignment()).lease_id
        with pytest.raises(AioRpcError) as error:
            await runner.report(lease, said(7, "there are no others"))
        assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        await runner.report(lease, said(0, "first"))
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        assert (await runner.assignment()).agent.execution.metadata.id == execution_id


async def test_what_is_stored_and_cannot_be_read_is_left_out_and_the_server_starts(tmp_path: Path) -> None:
    """Point 33."""
    async with running(tmp_path) as api:
        execution_id = await created(api)
        bad = (execution_id, 2, 0, said(7, "there are no others").SerializeToString())
        await database_of(api).write(lambda db: db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", bad))
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        lease = (await runner.assignment()).lease_id
        assert await runner.report(lease, DONE) == 3
        assert await final_phase(api, execution_id) == (Phase.COMPLETED, "")


async def beaten(api: Api, runner: Runner, *lease_ids: str, problem: str = "") -> None:
    """Returns when the server has taken a heartbeat in."""
    looked = asyncio.Event()
    look = api.server.leases.resubmit_lost

    def note() -> None:
        look()
        looked.set()

    api.server.leases.resubmit_lost = note  # type: ignore[method-assign]
    runner.beat(*lease_ids, problem=problem)
    await asyncio.wait_for(looked.wait(), LIMIT)
    api.server.leases.resubmit_lost = look  # type: ignore[method-assign]


async def test_an_execution_that_its_runner_has_dropped_is_given_out_again(api: Api) -> None:
    """Point 33: what the runner says that it works on is compared with what it should."""
    await created(api)
    async with attached(api, Hello.AGENTS) as runner:
        first = await runner.assignment()
        for _ in range(3):
            await beaten(api, runner, first.lease_id)
        await beaten(api, runner)
        await beaten(api, runner)
        second = await runner.assignment()
        assert (second.attempt, second.lease_id != first.lease_id) == (2, True)


async def test_an_execution_with_nobody_is_found_and_given_out_again(api: Api) -> None:
    """Point 33: what is unfinished is compared with what is queued, leased and being ended."""
    execution_id = await created(api)
    for queue in api.server.leases._queues.values():
        queue.clear()
    async with attached(api, Hello.AGENTS) as runner:
        await beaten(api, runner)
        await beaten(api, runner)
        assert (await runner.assignment()).agent.execution.metadata.id == execution_id
        await beaten(api, runner)
        await beaten(api, runner)
        assert api.server.leases.running == 1


async def test_an_execution_that_cannot_be_prepared_fails_with_a_word(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 33: it held its place for ever."""

    async def prepare(live: Any) -> Any:
        raise ValueError("a secret that cannot be decrypted")

    monkeypatch.setattr(api.server.leases, "_prepare", prepare)
    execution_id = await created(api)
    async with attached(api, Hello.AGENTS):
        phase, error = await final_phase(api, execution_id)
    assert phase is Phase.FAILED
    assert "could not prepare" in error
    assert api.server.leases.running == 0


@pytest.fixture(autouse=True)
def probes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a file that could not be written can be written again."""
    monkeypatch.setattr(sqlite, "PROBE_INTERVAL", 0.01)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY])
async def test_a_full_disk_holds_runs_up_refuses_new_ones_and_is_told(
    tmp_path: Path, faults: Faults, code: int
) -> None:
    """Point 11."""
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        stored = await api.agents.apply(agent())
        execution_id = (await api.agent_runs.create(agent_run(stored.metadata.id))).metadata.id
        lease = (await runner.assignment()).lease_id
        faults.begin(code, "BEGIN")
        report = asyncio.ensure_future(runner.report(lease, RUNNING))
        assert await asyncio.to_thread(faults.repeated.wait, LIMIT)
        with pytest.raises(AioRpcError) as error:
            await api.agent_runs.create(agent_run(stored.metadata.id))
        assert error.value.code() is not grpc.StatusCode.UNAVAILABLE
        assert "workbench.db" in str(error.value.details())
        status = await api.daemon.status(StatusRequest())
        assert "workbench.db" in status.components[0].detail
        assert not report.done()
        faults.end()
        await asyncio.wait_for(report, LIMIT)
        await runner.report(lease, DONE)
        assert await final_phase(api, execution_id) == (Phase.COMPLETED, "")
        assert not (await api.daemon.status(StatusRequest())).components[0].detail


async def test_a_full_disk_holds_the_start_of_an_agent_up(tmp_path: Path, faults: Faults) -> None:
    """Its workflow failed, though there was room again a moment later."""
    async with running(tmp_path) as api, attached(api, Hello.WORKFLOWS) as runner:
        await api.agents.apply(agent())
        await workflow_execution(api)
        lease = (await runner.assignment()).lease_id
        request = StartAgentRequest(lease_id=lease, key="/ask", agent="helper", message="hi")
        faults.begin(sqlite3.SQLITE_FULL, "BEGIN")
        start = asyncio.ensure_future(api.runners.startAgent(request))
        assert await asyncio.to_thread(faults.repeated.wait, LIMIT)
        assert not start.done()
        faults.end()
        started = await asyncio.wait_for(start, LIMIT)
        assert (await api.runners.startAgent(request)).metadata.id == started.metadata.id


async def test_a_run_can_be_cancelled_on_a_full_disk(tmp_path: Path, faults: Faults) -> None:
    """Point 11: its runner is told, and its end is written when there is room."""
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        execution_id = await created(api)
        lease = (await runner.assignment()).lease_id
        faults.begin(sqlite3.SQLITE_FULL, "BEGIN")
        await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="no longer needed"))
        assert (await runner.cancel()).lease_id == lease
        faults.end()
        await runner.report(lease, AgentExecutionDelta(phase=Phase.CANCELLED.for_agent))
        assert (await final_phase(api, execution_id))[0] is Phase.CANCELLED


async def test_a_store_is_not_changed_by_a_phase_that_it_has(api: Api) -> None:
    store: ExecutionStore = api.server.executions.store
    live = api.server.executions.open(await created(api))
    await api.server.executions.change(live, DONE)
    version = live.state.version
    assert await api.server.executions.change(live, said(0, "too late")) == version
    assert [event.version for event in store.events_after(live.id, 0)] == [2]


async def test_an_execution_that_cannot_be_read_takes_no_runner_along(tmp_path: Path) -> None:
    """Point 33: it is left out at the start, and at each look of the watchdog."""
    async with running(tmp_path) as api:
        broken, sound = await created(api), await created(api)
        sql = "UPDATE executions SET data = ? WHERE id = ?"
        await database_of(api).write(lambda db: db.execute(sql, (b"\xff\xff", broken)))
    async with running(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
        lease = await runner.assignment()
        assert lease.agent.execution.metadata.id == sound
        for _ in range(4):
            await beaten(api, runner, lease.lease_id)
        assert await runner.report(lease.lease_id, DONE) == 2


async def test_a_cancelled_execution_whose_runner_is_lost_is_given_to_nobody(api: Api) -> None:
    """Point 33: while the server waits for its end, nobody works on it, and it is not lost."""
    execution_id = await created(api)
    async with attached(api, Hello.AGENTS) as first:
        await first.assignment()
        await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="enough"))
    async with attached(api, Hello.AGENTS) as second:
        for _ in range(3):
            await beaten(api, second)
        assert api.server.leases.running == 0


async def test_an_execution_that_is_read_again_later_is_given_out_once(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 33: meanwhile it is neither queued nor leased, and it is not lost."""
    prepare, may_read = api.server.leases._prepare, asyncio.Event()

    async def busy(live: Any) -> Any:
        if not may_read.is_set():
            raise StorageError(tmp_file, Fault.LOCKED)
        return await prepare(live)

    tmp_file = Path("workbench.db")
    monkeypatch.setattr(api.server.leases, "_prepare", busy)
    await created(api)
    async with attached(api, Hello.AGENTS) as runner:
        for _ in range(3):
            await beaten(api, runner)
        may_read.set()
        await runner.assignment()
        assert api.server.leases.running == 1
        assert not any(api.server.leases._queues.values())


async def test_what_is_submitted_twice_is_given_out_once(api: Api) -> None:
    execution_id = await created(api)
    live = api.server.executions.open(execution_id)
    api.server.leases.submit(live)
    async with attached(api, Hello.AGENTS) as runner:
        await runner.assignment()
        api.server.leases.submit(live)
        assert api.server.leases.running == 1
        assert not any(api.server.leases._queues.values())
