"""Lists and sizes: what is stored can be read by clients of any kind, and a page costs what is on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecution,
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    AgentMessage,
    ExecutionPhase,
    ListAgentExecutionsBySessionRequest,
    ListAgentExecutionsRequest,
)
from stigmer_tui.api.agent_instance_pb2 import AgentInstance, AgentInstanceSpec
from stigmer_tui.api.api_resource_pb2 import ApiResourceReference
from stigmer_tui.api.catalogue_pb2 import ListRequest, ListResourcesRequest
from stigmer_tui.api.kinds import AGENT, AGENT_INSTANCE, API_VERSION, ENVIRONMENT
from stigmer_tui.api.session_pb2 import ListSessionsRequest
from stigmer_tui.core.sqlite import Database
from stigmer_tui.server.schema import MIGRATIONS, fill_in_tags
from stigmer_tui.server.sizes import MAX_STORED, that_fit
from tests.server.builders import agent, agent_run, environment, metadata
from tests.server.conftest import Api, running

MIB = 1 << 20


async def runs_of(api: Api, count: int, **spec: Any) -> list[AgentExecution]:
    stored = await api.agents.apply(agent())
    return [await api.agent_runs.create(agent_run(stored.metadata.id, **spec)) for _ in range(count)]


async def ids_of(api: Api, **request: Any) -> list[str]:
    answer = await api.agent_run_queries.list(ListAgentExecutionsRequest(**request))
    return [entry.metadata.id for entry in answer.entries]


async def tag(api: Api, run: AgentExecution, *tags: str) -> None:
    changed = AgentExecution()
    changed.CopyFrom(run)
    changed.metadata.tags[:] = tags
    await api.agent_runs.update(changed)


async def finish(api: Api, run: AgentExecution) -> None:
    said = AgentMessage(content="a long answer")
    status = AgentExecutionStatus(phase=ExecutionPhase.EXECUTION_COMPLETED, messages=[said])
    await api.agent_runs.updateStatus(AgentExecutionUpdateStatusInput(execution_id=run.metadata.id, status=status))


async def test_filters_and_pages_together(api: Api) -> None:
    """Point 18: they are columns, and a page begins after any entry of the filtered list."""
    runs = await runs_of(api, 6)
    for run in runs[::2]:
        await tag(api, run, "nightly", "slow")
    for run in runs[:3]:
        await finish(api, run)
    newest = [run.metadata.id for run in reversed(runs)]
    assert await ids_of(api) == newest
    assert await ids_of(api, tags=["nightly"]) == newest[1::2]
    assert await ids_of(api, tags=["slow", "nightly"]) == newest[1::2]
    assert await ids_of(api, tags=["nightly", "other"]) == []
    assert await ids_of(api, phase=ExecutionPhase.EXECUTION_COMPLETED) == newest[3:]
    assert await ids_of(api, tags=["nightly"], page_size=1, page_token=newest[1]) == [newest[3]]
    done = ListAgentExecutionsRequest(phase=ExecutionPhase.EXECUTION_COMPLETED, page_size=2)
    assert (await api.agent_run_queries.list(done)).total_pages == 2
    with pytest.raises(AioRpcError) as error:
        await ids_of(api, tags=["nightly"], page_token=newest[0])
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_page_reads_no_other_executions(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 18: up to 10,000 were loaded for each."""
    await runs_of(api, 8)
    store = api.server.executions.store
    loaded: list[str] = []
    load = store.load

    def counting(execution_id: str) -> Any:
        loaded.append(execution_id)
        return load(execution_id)

    monkeypatch.setattr(store, "load", counting)
    api.server.executions._seen.clear()
    assert len(await ids_of(api, page_size=3)) == 3
    assert len(loaded) == 3


async def test_a_list_has_outlines_and_a_conversation_is_whole(api: Api) -> None:
    """Point 18."""
    [run] = await runs_of(api, 1)
    await finish(api, run)
    [outline] = (await api.agent_run_queries.list(ListAgentExecutionsRequest())).entries
    assert (outline.spec.agent_id, outline.status.phase) == (run.spec.agent_id, ExecutionPhase.EXECUTION_COMPLETED)
    assert not outline.status.messages
    by_session = ListAgentExecutionsBySessionRequest(session_id=run.spec.session_id)
    [whole] = (await api.agent_run_queries.listBySession(by_session)).entries
    assert [message.content for message in whole.status.messages] == ["a long answer"]


async def test_sessions_have_pages(api: Api) -> None:
    """Point 18."""
    runs = await runs_of(api, 5)
    newest = [run.spec.session_id for run in reversed(runs)]
    first = await api.session_queries.list(ListSessionsRequest(page_size=2))
    assert ([entry.metadata.id for entry in first.entries], first.total_pages) == (newest[:2], 3)
    second = await api.session_queries.list(ListSessionsRequest(page_size=2, page_token=newest[1]))
    assert [entry.metadata.id for entry in second.entries] == newest[2:4]
    tagged = await api.session_queries.list(ListSessionsRequest(tags=["nightly"]))
    assert (list(tagged.entries), tagged.total_pages) == ([], 1)


async def test_what_could_not_be_read_is_not_stored(api: Api) -> None:
    """Point 18: clients without settings of their own read 4 MiB."""
    for size, code in ((5 * MIB, grpc.StatusCode.INVALID_ARGUMENT), (12 * MIB, grpc.StatusCode.RESOURCE_EXHAUSTED)):
        with pytest.raises(AioRpcError) as error:
            await api.agents.apply(agent(instructions="x" * size))
        assert error.value.code() is code
        assert "MiB" in str(error.value.details())
    stored = await api.agents.apply(agent(instructions="x" * (3 * MIB)))
    with pytest.raises(AioRpcError):
        await api.agents.apply(agent(instructions="x" * (5 * MIB)))
    with pytest.raises(AioRpcError):
        await api.agent_runs.create(agent_run(stored.metadata.id, "x" * (5 * MIB)))
    assert not await ids_of(api)


def test_a_page_fits_into_a_message() -> None:
    """Point 18: what has no room comes with the next page; a page is never empty for want of room."""
    large = AgentExecution(kind="x" * (MAX_STORED // 2))
    assert len(that_fit([large] * 5)) == 1
    assert len(that_fit([AgentExecution(kind="x" * (5 * MIB))])) == 1
    assert len(that_fit([AgentExecution(kind="x")] * 100)) == 100


async def test_the_catalogue_reads_resources_when_they_have_changed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 18: not for each change of each run."""
    await api.agents.apply(agent())
    await api.catalogue.list(ListRequest())

    def read_again(self: object, kind: object) -> None:
        raise AssertionError(kind)

    monkeypatch.setattr("stigmer_tui.server.resource_store.ResourceStore.all", read_again)
    assert len((await api.catalogue.list(ListRequest())).resources) == 1


async def test_resources_of_every_kind_are_listed_with_what_they_refer_to(api: Api) -> None:
    helper = await api.agents.apply(agent())
    await api.environments.apply(environment("prod", {"REGION": ("eu", False)}))
    reference = ApiResourceReference(kind=ENVIRONMENT.number, slug="prod")
    spec = AgentInstanceSpec(agent_id=helper.metadata.id, environment_refs=[reference])
    instance = AgentInstance(api_version=API_VERSION, kind="AgentInstance", metadata=metadata("in-prod"), spec=spec)
    await api.agent_instances.apply(instance)
    listed = (await api.catalogue.listResources(ListResourcesRequest(org="local"))).resources
    assert [(resource.kind, resource.slug) for resource in listed] == [
        (AGENT.number, "helper"),
        (AGENT_INSTANCE.number, "helper-default"),
        (AGENT_INSTANCE.number, "in-prod"),
        (ENVIRONMENT.number, "prod"),
    ]
    assert [(link.kind, link.slug) for link in listed[2].uses] == [
        (AGENT.number, "helper"),
        (ENVIRONMENT.number, "prod"),
    ]
    only = await api.catalogue.listResources(ListResourcesRequest(kinds=[ENVIRONMENT.number]))
    assert [resource.slug for resource in only.resources] == ["prod"]


async def test_tags_of_an_older_database_get_their_column(tmp_path: Path) -> None:
    """Point 18."""
    async with running(tmp_path) as api:
        [run] = await runs_of(api, 1)
        await tag(api, run, "nightly")
        stored = api.server.executions.store.load(run.metadata.id)
        assert stored is not None
        data = stored.execution.SerializeToString()
        database = api.server.executions.store._database

        def as_before(db: Any) -> None:
            db.execute("UPDATE executions SET data = ?, tags = '[]'", (data,))
            db.execute(f"PRAGMA user_version = {MIGRATIONS.index(fill_in_tags)}")

        await database.write(as_before)
    migrations = MIGRATIONS[: MIGRATIONS.index(fill_in_tags) + 1]
    database = Database(tmp_path / "data" / "workbench.db", migrations)
    assert database.read("SELECT tags FROM executions") == [('["nightly"]',)]
    database.close()
