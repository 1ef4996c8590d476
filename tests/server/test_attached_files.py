"""Files of messages: kept once, read back, gone with the last execution that has them."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError

from stigmer_tui.api.agent_execution_pb2 import AgentExecution
from stigmer_tui.api.api_resource_pb2 import ApiResourceId
from stigmer_tui.api.execution_pb2 import AttachedFileQuery
from stigmer_tui.definition.attached_files import files_annotation, files_in
from stigmer_tui.definition.extensions import FILES
from tests.server.builders import agent, agent_run
from tests.server.conftest import Api


async def created(api: Api, annotation: str) -> AgentExecution:
    stored = await api.agents.apply(agent())
    run = agent_run(stored.metadata.id)
    run.metadata.annotations[FILES] = annotation
    return await api.agent_runs.create(run)


async def test_a_file_is_kept_as_long_as_an_execution_has_it(api: Api) -> None:
    first = await created(api, files_annotation([("a.txt", b"milk")]))
    kept = first.metadata.annotations[FILES]
    assert "content" not in kept
    # A later run names what is kept already.
    second = await created(api, kept)
    (file,) = files_in(second.metadata.annotations)
    await api.agent_runs.delete(ApiResourceId(value=first.metadata.id))
    query = AttachedFileQuery(execution_id=second.metadata.id, hash=file.hash)
    assert (await api.executions.attachedFile(query)).content == b"milk"
    await api.agent_runs.delete(ApiResourceId(value=second.metadata.id))
    for attempt in (api.executions.attachedFile(query), created(api, kept)):
        with pytest.raises(AioRpcError) as refused:
            await attempt
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND


async def test_what_cannot_be_kept_is_refused(api: Api) -> None:
    with pytest.raises(AioRpcError) as refused:
        await created(api, '[{"name": "a.txt"}]')
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
