"""What a session asks of a server, as the server gets it."""

from __future__ import annotations

from pathlib import Path

from stigmer_tui.api.workflow_execution_pb2 import WorkflowExecutionId
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.servers import NamedServer
from stigmer_tui.workbench.state import RunInput, Value
from tests.server.builders import workflow
from tests.server.conftest import running


async def test_a_run_is_created_with_its_message_and_with_values_that_are_not_empty(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        stored = await api.workflows.apply(workflow())
        backend = GrpcBackend(NamedServer(api.server.address), "local", SystemClock())
        try:
            resource = await backend.resolve("tally")
            assert resource is not None
            environment = {"REGION": Value("eu"), "EMPTY": Value(""), "TOKEN": Value("t-4711-4711", is_secret=True)}
            created = await backend.create(resource, RunInput("count", environment))
            execution = await api.workflow_run_queries.get(WorkflowExecutionId(value=created.id))
        finally:
            await backend.close()
        assert (execution.spec.workflow_id, execution.spec.trigger_message) == (stored.metadata.id, "count")
        given = {name: (value.value, value.is_secret) for name, value in execution.spec.runtime_env.items()}
        assert given.keys() == {"REGION", "TOKEN"}
        assert given["REGION"] == ("eu", False)
        assert given["TOKEN"][1]
