"""A server by gRPC: what it is sent, and what it is asked only once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecutionId
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.abilities import CannotCancel
from stigmer_tui.workbench.execution_tree import run_of
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.model import Resource, Run, RunState
from stigmer_tui.workbench.servers import NamedServer
from stigmer_tui.workbench.state import RunInput, Value
from tests.server.builders import workflow
from tests.server.conftest import Api, running
from tests.workbench.stage import StoppedClock


@asynccontextmanager
async def connected(folder: Path, plain: bool = False) -> AsyncIterator[tuple[GrpcBackend, Api, Resource]]:
    """With a workflow that can be run."""
    async with running(folder, plain=plain) as api:
        backend = GrpcBackend(NamedServer(api.server.address), "local", StoppedClock())
        await api.workflows.apply(workflow("tally"))
        resource = await backend.resolve("tally")
        assert resource is not None
        try:
            yield backend, api, resource
        finally:
            await backend.close()


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


async def test_nobody_is_there(tmp_path: Path) -> None:
    async with connected(tmp_path) as (_, api, _):
        address = api.server.address
    backend = GrpcBackend(NamedServer(address), "local", StoppedClock())
    with pytest.raises(StigmerError, match=address):
        await backend.connect()
    await backend.close()
