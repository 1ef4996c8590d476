"""A server by gRPC: what it is sent, and what it is asked only once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.api.kinds import WORKFLOW
from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecutionId
from stigmer_tui.api.workflow_pb2 import Workflow
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.run_variable import RunVariable
from stigmer_tui.definition import extensions
from stigmer_tui.workbench.abilities import ALL, Abilities, CannotCancel
from stigmer_tui.workbench.execution_tree import run_of
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.run_query import FoundRun, RunQuery
from stigmer_tui.workbench.servers import NamedServer
from stigmer_tui.workbench.state import RunInput, Value
from stigmer_tui.workbench.translation import resource_of
from tests.server.builders import workflow
from tests.server.conftest import Api, running
from tests.workbench.stage import NOON, StoppedClock


@asynccontextmanager
async def connected(folder: Path, plain: bool = False) -> AsyncIterator[tuple[GrpcBackend, Api, Resource]]:
    """With a workflow that can be run."""
    async with running(folder, plain=plain) as api:
        backend = GrpcBackend(NamedServer(Context("", api.server.address), Home(folder)), "local", StoppedClock())
        await api.workflows.apply(workflow("tally"))
        resource = await backend.resolve("tally")
        assert resource is not None
        try:
            yield backend, api, resource
        finally:
            await backend.close()


async def test_variables_and_the_schema_of_the_input_come_from_the_server(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, _):
        declared = workflow("orders")
        declared.metadata.annotations[extensions.INPUT] = '{"type": "object"}'
        declared.spec.env_spec.data["TOKEN"].is_secret = True
        await api.workflows.apply(declared)
        bare = await backend.resolve("orders")
        whole = await backend.resolve("orders", with_variables=True)
        lists = await backend.lists()
    assert bare is not None and whole is not None and lists is not None
    assert (bare.variables, [variable.name for variable in whole.variables]) == ((), ["TOKEN"])
    listed = next(resource for resource in lists[0] if resource.slug == "orders")
    assert {bare.input_schema, whole.input_schema, listed.input_schema} == {'{"type": "object"}'}


async def test_a_run_is_sent_its_input_without_empty_values(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, resource):
        environment = {"REGION": Value("eu"), "TOKEN": Value("hush", is_secret=True), "EMPTY": Value("")}
        execution = await backend.create(resource, RunInput("count", environment))
        stored = await api.workflow_run_queries.get(WorkflowExecutionId(value=execution.id))
        assert stored.spec.trigger_message == "count"
        assert (stored.spec.workflow_id, stored.spec.runtime_env["REGION"].value) == (resource.id, "eu")
        sent = {name: value.is_secret for name, value in stored.spec.runtime_env.items()}
        assert sent == {"REGION": False, "TOKEN": True}
        assert (execution.resource, execution.state) == ("tally", RunState.PENDING)


async def test_a_secret_that_was_given_is_not_in_what_is_read(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, _, resource):
        execution = await backend.create(resource, RunInput("say hush", {"TOKEN": Value("hush", is_secret=True)}))
        read = await backend.open(run_of(execution, resource.id))
        assert read.message == "say [REDACTED]"


async def test_found_by_name_by_id_and_as_a_run(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, _, resource):
        execution = await backend.create(resource, RunInput())
        assert await backend.find("nothing") is None
        for reference in ("tally", resource.id):
            found = await backend.find(reference)
            assert isinstance(found, Resource)
            assert found.id == resource.id
        run = await backend.find(execution.id)
        assert isinstance(run, Run)
        assert (run.resource, run.resource_id) == ("tally", resource.id)
        assert await backend.find(execution.id[:-1] + ("0" if execution.id[-1] != "0" else "1")) is None


async def test_what_has_become_of_what_was_known(tmp_path: Path) -> None:
    async with connected(tmp_path, plain=True) as (backend, _, resource):
        run = run_of(await backend.create(resource, RunInput()), resource.id)
        gone = Resource(resource.kind, "wf_01k9aaaaaaaaaaaaaaaaaaaaaa", "gone", "gone")
        ended = Run(run.kind, "wfx_01k9aaaaaaaaaaaaaaaaaaaaaa", gone.id, "gone", RunState.FAILED)
        unknown = Run(run.kind, "wfx_01k9aaaaaaaaaaaaaaaaaaaaab", gone.id, "gone", RunState.RUNNING)
        resources, runs = await backend.look_up([resource, gone], [run, ended, unknown])
        assert [known.id for known in resources] == [resource.id]
        # What has ended is not asked for again.
        assert [known.id for known in runs] == [run.id, ended.id]


@pytest.mark.parametrize("plain", [False, True])
async def test_cancelling(tmp_path: Path, plain: bool) -> None:
    async with connected(tmp_path, plain) as (backend, _, resource):
        execution = await backend.create(resource, RunInput())
        if plain:
            with pytest.raises(CannotCancel, match="cannot cancel executions"):
                await backend.cancel(execution.id, "enough")
        else:
            await backend.cancel(execution.id, "enough")
            opened = await backend.open(run_of(execution, resource.id))
            assert opened.state is RunState.CANCELLED
        assert (await backend.abilities()).can_control is not plain
        assert await backend.hand_over_keys() == ()


@pytest.mark.parametrize("plain", [False, True])
async def test_deleting(tmp_path: Path, plain: bool) -> None:
    async with connected(tmp_path, plain) as (backend, _, resource):
        execution = await backend.create(resource, RunInput())
        await backend.delete(execution.id)
        assert await backend.find(execution.id) is None


async def test_nobody_is_there(tmp_path: Path) -> None:
    async with connected(tmp_path) as (_, api, _):
        address = api.server.address
    backend = GrpcBackend(NamedServer(Context("", address), Home(tmp_path)), "local", StoppedClock())
    with pytest.raises(StigmerError, match=address):
        await backend.connect()
    await backend.close()


@dataclass
class Daemon:
    """Our own, as far as a backend knows it; what it is asked to do is written down."""

    address: str
    keys: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    is_ours: bool = True

    def search_anew(self) -> None:
        self.asked.append("search anew")

    async def locate(self) -> Endpoint:
        return Endpoint(self.address, "")

    async def wait(self) -> None:
        self.asked.append("wait")

    async def stop(self) -> None:
        self.asked.append("stop")

    async def restart(self) -> None:
        self.asked.append("restart")

    def provider_keys(self) -> Mapping[str, str]:
        return self.keys

    def last_log_lines(self) -> tuple[str, ...]:
        return ("its last words",)


async def test_a_daemon_gets_the_keys_that_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 21."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    async with running(tmp_path) as api:
        daemon = Daemon(api.server.address, {"OPENAI_API_KEY": "sk-0123456789abcdef"})
        backend = GrpcBackend(daemon, "local", StoppedClock())
        assert await backend.hand_over_keys() == ("OPENAI_API_KEY",)
        assert await backend.hand_over_keys() == ()
        daemon.keys = {"OPENAI_API_KEY": "sk-another-123456789"}
        assert await backend.hand_over_keys() == ("OPENAI_API_KEY",)
        await backend.close()


async def test_our_own_daemon_is_searched_for_and_can_do_everything(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        daemon = Daemon(api.server.address)
        backend = GrpcBackend(daemon, "local", StoppedClock())
        assert backend.is_ours
        assert await backend.connect() == api.server.address
        assert await backend.abilities() == ALL
        await backend.stop_daemon()
        await backend.restart_daemon()
        await backend.wait_for_server()
        assert daemon.asked == ["search anew", "stop", "restart", "wait"]
        assert backend.last_log_lines() == ("its last words",)
        await backend.close()


async def test_what_a_server_can_do_is_asked_again_only_after_it_was_gone(tmp_path: Path) -> None:
    """Where there was one server, there may be another next time."""
    async with running(tmp_path / "plain", plain=True) as api:
        server = Daemon(api.server.address, is_ours=False)
        backend = GrpcBackend(server, "local", StoppedClock())
        assert not backend.is_ours
        await backend.connect()
        known = await backend.abilities()
        assert known == Abilities(can_list=False, can_control=False)
        await backend.connect()
        assert await backend.abilities() is known
    with pytest.raises(StigmerError):
        await backend.connect()
    async with running(tmp_path / "another") as api:
        server.address = api.server.address
        assert await backend.connect() == api.server.address
        assert await backend.abilities() == Abilities(can_list=True, can_control=True)
        await backend.close()


async def test_the_lists_of_an_organization(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, tally):
        execution = await backend.create(tally, RunInput("count"))
        await api.workflows.apply(workflow("elsewhere", org="acme"))
        lists = await backend.lists()
        assert lists is not None
        assert [(item.kind, item.id, item.slug) for item in lists[0]] == [(tally.kind, tally.id, "tally")]
        assert [(item.id, item.resource_id, item.message) for item in lists[1]] == [(execution.id, tally.id, "count")]
        async with aclosing(as_generator(backend.watch_lists())) as watched:
            assert await anext(watched) == lists


def as_generator(items: AsyncIterator[Any]) -> Any:
    return items


async def test_the_state_of_a_daemon_is_watched(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, _):
        async with aclosing(as_generator(backend.watch_daemon())) as watched:
            state = await anext(watched)
        assert (state.connected, state.address) == (True, api.server.address)
        assert [component.name for component in state.components] == ["server"]


async def test_of_an_existing_server_nothing_is_watched(tmp_path: Path) -> None:
    async with connected(tmp_path, plain=True) as (backend, _, _):
        assert await backend.lists() is None
        assert [lists async for lists in backend.watch_lists()] == []
        assert [state async for state in backend.watch_daemon()] == []


async def test_what_is_found_has_the_variables_of_its_definition(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, _):
        stored = workflow("deploy")
        stored.spec.env_spec.data["REGION"].value = "eu-west-1"
        await api.workflows.apply(stored)
        found = await backend.find("deploy")
        assert isinstance(found, Resource)
        assert found.variables == (RunVariable("REGION", default="eu-west-1", has_value=True),)


async def test_a_run_is_named_after_its_moment_and_belongs_where_its_resource_does(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, api, tally):
        execution = await backend.create(replace(tally, organization=""), RunInput())
        stored = await api.workflow_run_queries.get(WorkflowExecutionId(value=execution.id))
        assert stored.metadata.name == f"execution-{int(NOON.timestamp()) * 1_000_000}"
        assert stored.metadata.org == "local"
        await api.workflows.apply(workflow("elsewhere", org="acme"))
        stored_elsewhere = await backend.deployments().get(WORKFLOW, "elsewhere", "acme")
        assert isinstance(stored_elsewhere, Workflow)
        resource = resource_of(stored_elsewhere)
        assert resource.organization == "acme"
        execution = await backend.create(resource, RunInput())
        stored = await api.workflow_run_queries.get(WorkflowExecutionId(value=execution.id))
        assert stored.metadata.org == "acme"


async def searched(backend: GrpcBackend, query: RunQuery) -> list[FoundRun]:
    return [each async for some in backend.search(query, 10) for each in some]


async def test_runs_are_found_by_what_was_said_and_of_one_kind_alone(tmp_path: Path) -> None:
    async with connected(tmp_path) as (backend, _, resource):
        execution = await backend.create(resource, RunInput("Count the teas, hush-hush", {}))
        (found,) = await searched(backend, RunQuery("TEAS", kind=ResourceKind.WORKFLOW))
        assert (found.run.id, str(found.excerpts[0])) == (execution.id, "You: Count the teas, hush-hush")
        assert await searched(backend, RunQuery("teas", kind=ResourceKind.AGENT)) == []
        assert await searched(backend, RunQuery(states=frozenset({RunState.FAILED}))) == []
        await backend.create(resource, RunInput("again", {"TOKEN": Value("hush-hush", is_secret=True)}))
        (found,) = await searched(backend, RunQuery("teas"))
        assert str(found.excerpts[0]) == "You: Count the teas, [REDACTED]"


async def test_an_existing_server_cannot_search(tmp_path: Path) -> None:
    async with connected(tmp_path, plain=True) as (backend, _, _):
        with pytest.raises(StigmerError, match="cannot search"):
            await searched(backend, RunQuery("teas"))
