"""Creation happens once, however often it is asked for, and what the person is told is the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.api.idempotency import IDEMPOTENCY_KEY
from stigmer_tui.api.kinds import AGENT, WORKFLOW
from stigmer_tui.api.workflow_execution_pb2 import ListWorkflowExecutionsRequest
from stigmer_tui.client import connection as connections
from stigmer_tui.client.connection import Connection, connected
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.client.errors import OutcomeUnknown, ServerGone
from stigmer_tui.client.executions import create
from tests.server.builders import agent, agent_run, workflow, workflow_run
from tests.server.conftest import Api, running

LIMIT = 10.0


@asynccontextmanager
async def at_server(folder: Path, plain: bool = False) -> AsyncIterator[tuple[Api, Connection]]:
    async with running(folder, plain=plain) as api:

        async def locate() -> Endpoint:
            return Endpoint(api.server.address, "")

        async with connected(locate) as connection:
            yield api, connection


def silent_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The server does what it is asked for the first time, and its answer never arrives. How often it was asked."""
    store = api.server.executions.store
    insert = store.insert
    asked = 0

    async def stuck(new: Any, *rows: Any) -> None:
        nonlocal asked
        asked += 1
        await insert(new, *rows)
        if asked == 1:
            await asyncio.Event().wait()

    monkeypatch.setattr(store, "insert", stuck)
    monkeypatch.setattr(connections, "CALL_LIMIT", 0.3)
    return lambda: asked


async def count(api: Api) -> int:
    return len((await api.workflow_run_queries.list(ListWorkflowExecutionsRequest())).entries)


async def test_an_answer_that_was_lost_is_asked_for_again_and_the_run_is_started_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 15: it was told as an error, `Try again`, while the run was under way."""
    async with at_server(tmp_path) as (api, connection):
        stored = await api.workflows.apply(workflow())
        silent_once(api, monkeypatch)
        created = await asyncio.wait_for(
            create(connection, WORKFLOW, stored.metadata.id, "run", "hello", {}, "local"), LIMIT
        )
        assert await count(api) == 1
        listed = await api.workflow_run_queries.list(ListWorkflowExecutionsRequest())
        assert listed.entries[0].metadata.id == created.metadata.id


async def test_a_server_that_does_not_know_names_is_not_asked_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Point 15: there it would run twice; that nobody knows is what is told."""
    async with at_server(tmp_path, plain=True) as (api, connection):
        stored = await api.workflows.apply(workflow())
        asked = silent_once(api, monkeypatch)
        with pytest.raises(OutcomeUnknown, match="not known whether it has started") as error:
            await asyncio.wait_for(create(connection, WORKFLOW, stored.metadata.id, "run", "hello", {}, "local"), LIMIT)
        assert asked() == 1
        assert "Try again" not in str(error.value)


async def test_a_server_that_is_not_there_was_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 15: then nothing has begun, and no doubt is told."""
    monkeypatch.setattr(connections, "READY_LIMIT", 0.05)
    monkeypatch.setattr(connections, "CREATE_LIMIT", 0.2)

    async def locate() -> Endpoint:
        return Endpoint("127.0.0.1:1", "")

    async with connected(locate) as connection:
        with pytest.raises(ServerGone):
            await create(connection, WORKFLOW, "wf_1", "run", "hello", {}, "local")


@pytest.mark.parametrize("kind", [AGENT, WORKFLOW])
async def test_the_same_request_gives_the_same_execution(tmp_path: Path, kind: object) -> None:
    """Point 15: also when both are under way at once, and after a restart."""
    key = ((IDEMPOTENCY_KEY, "one"),)
    async with running(tmp_path) as api:
        stored: Any
        if kind is AGENT:
            stored = await api.agents.apply(agent())
            request: Any = agent_run(stored.metadata.id)
        else:
            stored = await api.workflows.apply(workflow())
            request = workflow_run(stored.metadata.id)

        def start(api: Api, metadata: tuple[tuple[str, str], ...]) -> Any:
            runs: Any = api.agent_runs if kind is AGENT else api.workflow_runs
            return runs.create(request, metadata=metadata)

        first, second = await asyncio.gather(start(api, key), start(api, key))
        other = await start(api, ((IDEMPOTENCY_KEY, "another"),))
        unnamed = [await start(api, ()), await start(api, ())]
    async with running(tmp_path) as api:
        third = await start(api, key)
    assert first.metadata.id == second.metadata.id == third.metadata.id
    assert len({first.metadata.id, other.metadata.id, *(run.metadata.id for run in unnamed)}) == 4
