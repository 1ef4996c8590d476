from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stigmer_tui.api.agent_execution_pb2 import (
    AgentExecutionStatus,
    AgentExecutionUpdateStatusInput,
    AgentMessage,
    MessageType,
)
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, FollowResponse, MessageDelta
from stigmer_tui.api.kinds import AGENT
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.client.connection import Connection, StreamInterrupted, connected
from stigmer_tui.client.daemon import daemon_status, list_catalogue, watch_catalogue, watch_daemon
from stigmer_tui.client.endpoint import Endpoint, probe
from stigmer_tui.client.errors import NotFound, ServerGone
from stigmer_tui.client.executions import cancel, create, get
from stigmer_tui.client.follow import follow, phase_of
from stigmer_tui.client.resources import resolve
from stigmer_tui.core.errors import StigmerError
from tests.server.builders import agent, workflow
from tests.server.conftest import Api, running
from tests.server.runner import attached

LIMIT = 60.0


class Machine:
    """Where the server is to be found; as it moves, so does the connection."""

    def __init__(self) -> None:
        self.api: Api | None = None
        self.looked_for = 0
        self._there = asyncio.Event()

    async def locate(self) -> Endpoint:
        self.looked_for += 1
        await self._there.wait()
        assert self.api is not None
        return Endpoint(self.api.server.address, "")

    @asynccontextmanager
    async def serving(self, folder: Path, plain: bool = False) -> AsyncIterator[Api]:
        async with running(folder, plain=plain) as api:
            self.api = api
            self._there.set()
            yield api
            self._there.clear()


async def new_agent_execution(api: Api, connection: Connection) -> str:
    stored = await api.agents.apply(agent())
    return (await create(connection, AGENT, stored.metadata.id, "run", "hello", {}, "local")).metadata.id


async def test_names_and_ids_are_resolved_workflows_first(tmp_path: Path) -> None:
    machine = Machine()
    async with machine.serving(tmp_path) as api, connected(machine.locate) as connection:
        of_agents, of_workflows = await api.agents.apply(agent("tally")), await api.workflows.apply(workflow("tally"))
        for reference, expected in (
            ("tally", of_workflows),
            ("Tally", of_workflows),
            (of_workflows.metadata.id, of_workflows),
            (of_agents.metadata.id, of_agents),
            ("nothing", None),
        ):
            found = await resolve(connection, reference, "local")
            assert (found and found.metadata.id) == (expected and expected.metadata.id), reference
        assert await resolve(connection, "tally", "elsewhere") is None


async def test_an_existing_server_is_driven_without_what_it_lacks(tmp_path: Path) -> None:
    machine = Machine()
    async with machine.serving(tmp_path, plain=True) as api, connected(machine.locate) as connection:
        execution_id = await new_agent_execution(api, connection)
        assert await list_catalogue(connection, "local") is None
        assert await daemon_status(connection) is None
        assert not await cancel(connection, execution_id, "no longer needed")
        assert [item async for item in watch_catalogue(connection, "local")] == []
        assert [item async for item in watch_daemon(connection)] == []


async def test_an_execution_of_an_existing_server_is_followed_to_its_end(tmp_path: Path) -> None:
    machine = Machine()
    async with machine.serving(tmp_path, plain=True) as api, connected(machine.locate) as connection:
        execution_id = await new_agent_execution(api, connection)
        phases, text = [], ""
        async with asyncio.timeout(LIMIT):
            async for response in follow(connection, execution_id):
                assert isinstance(response, FollowResponse)
                phases.append(phase_of(response))
                text = "".join(message.content for message in response.agent_snapshot.status.messages)
                said = AgentMessage(type=MessageType.MESSAGE_AI, content="Hello to you")
                after = {Phase.PENDING: Phase.IN_PROGRESS, Phase.IN_PROGRESS: Phase.COMPLETED}
                if phases[-1] in after:
                    status = AgentExecutionStatus(phase=after[phases[-1]].for_agent, messages=[said])
                    update = AgentExecutionUpdateStatusInput(execution_id=execution_id, status=status)
                    await api.agent_runs.updateStatus(update)
        assert phases == [Phase.PENDING, Phase.IN_PROGRESS, Phase.COMPLETED]
        assert text == "Hello to you"


async def test_a_follower_goes_on_where_it_was_when_the_server_is_back(tmp_path: Path) -> None:
    machine = Machine()
    async with connected(machine.locate) as connection:
        async with machine.serving(tmp_path) as api:
            execution_id = await new_agent_execution(api, connection)
            changes = follow(connection, execution_id)
            first = await asyncio.wait_for(anext(changes), LIMIT)
            assert isinstance(first, FollowResponse)
            assert first.WhichOneof("change") == "agent_snapshot"
        assert isinstance(await asyncio.wait_for(anext(changes), LIMIT), StreamInterrupted)
        async with machine.serving(tmp_path) as api, attached(api, Hello.AGENTS) as runner:
            lease = (await runner.assignment()).lease_id
            said = MessageDelta(index=0, message=AgentMessage(content="here again"))
            await runner.report(lease, AgentExecutionDelta(messages=[said]))
            news = await asyncio.wait_for(anext(changes), LIMIT)
            assert isinstance(news, FollowResponse)
            # A change only: what was seen before the server went is not sent again.
            assert [message.message.content for message in news.agent_delta.messages] == ["here again"]
            await runner.report(lease, AgentExecutionDelta(phase=Phase.COMPLETED.for_agent))
            async with asyncio.timeout(LIMIT):
                rest = [item async for item in changes if isinstance(item, FollowResponse)]
        assert phase_of(rest[-1]) is Phase.COMPLETED


async def test_streams_on_a_channel_that_another_call_has_closed_are_interrupted(tmp_path: Path) -> None:
    """They ended in silence: the app went on to show a server that was gone, and a run that had ended."""
    machine = Machine()
    async with machine.serving(tmp_path), connected(machine.locate) as connection:
        streams = [watch_catalogue(connection, "local"), watch_daemon(connection)]
        for stream in streams:
            assert not isinstance(await asyncio.wait_for(anext(stream), LIMIT), StreamInterrupted)
        waiting = [asyncio.create_task(until_interrupted(stream)) for stream in streams]
        await connection.lost(await connection.channel())
        assert await asyncio.wait_for(asyncio.gather(*waiting), LIMIT) == [0, 0]


async def until_interrupted(stream: AsyncIterator[object]) -> int:
    async for item in stream:
        if isinstance(item, StreamInterrupted):
            return item.attempt
    raise AssertionError("it has ended")


async def test_a_call_on_a_channel_that_another_one_has_closed_is_repeated(tmp_path: Path) -> None:
    machine = Machine()
    async with machine.serving(tmp_path) as api, connected(machine.locate) as connection:
        execution_id = await new_agent_execution(api, connection)
        calls = [asyncio.create_task(get(connection, execution_id)) for _ in range(20)]
        # Each has sent its request, and none has its response yet.
        await asyncio.sleep(0)
        await connection.lost(await connection.channel())
        found = await asyncio.wait_for(asyncio.gather(*calls), LIMIT)
        assert {stored.metadata.id for stored in found} == {execution_id}


async def test_a_task_that_is_cancelled_during_a_call_is_cancelled(tmp_path: Path) -> None:
    machine = Machine()
    async with machine.serving(tmp_path), connected(machine.locate) as connection:
        stream = watch_catalogue(connection, "local")
        await anext(stream)
        waiting = asyncio.create_task(until_interrupted(stream))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting


async def test_what_must_not_happen_twice_is_sent_to_a_server_that_lives(tmp_path: Path) -> None:
    machine = Machine()
    async with connected(machine.locate) as connection:
        async with machine.serving(tmp_path / "first") as api:
            await new_agent_execution(api, connection)
        async with machine.serving(tmp_path / "second") as api:
            await new_agent_execution(api, connection)
            catalogue = await list_catalogue(connection, "local")
        assert catalogue is not None
        assert len(catalogue.runs) == 1
    assert machine.looked_for == 2


async def test_an_unknown_execution_is_named(tmp_path: Path) -> None:
    machine = Machine()
    async with machine.serving(tmp_path), connected(machine.locate) as connection:
        with pytest.raises(NotFound, match="agx_01k9zzzzzzzzzzzzzzzzzzzzzz"):
            await anext(follow(connection, "agx_01k9zzzzzzzzzzzzzzzzzzzzzz"))


async def test_the_refusal_to_find_a_server_reaches_the_caller() -> None:
    async def locate() -> Endpoint:
        raise StigmerError("The daemon was stopped", "Start it again.")

    async with connected(locate) as connection:
        with pytest.raises(StigmerError, match="was stopped"):
            await list_catalogue(connection, "local")


async def test_a_refusal_that_names_a_text_without_end_is_told(tmp_path: Path) -> None:
    """Point 45: it travels in a header, whose size is limited."""
    machine = Machine()
    async with machine.serving(tmp_path), connected(machine.locate) as connection:
        assert await resolve(connection, "ä" * 100_000, "local") is None
        with pytest.raises(NotFound, match=r"ä…$"):
            await get(connection, f"wfx_{'ä' * 100_000}")


@pytest.mark.parametrize("is_ours", [True, False])
async def test_no_proxy_is_on_the_way_to_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_ours: bool
) -> None:
    """Point 34: whatever the environment says, which grpc would believe for loopback too."""
    for variable in ("grpc_proxy", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")
    async with running(tmp_path) as api:
        await probe(Endpoint(api.server.address, "", is_ours))


async def test_a_server_elsewhere_that_cannot_be_reached_names_the_proxy_on_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Point 34: there grpc's own rule holds."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def locate() -> Endpoint:
        return Endpoint("stigmer.example:50051", "", is_ours=False)

    async with connected(locate) as connection:
        with pytest.raises(ServerGone) as refusal:
            await connection.check()
    assert "through the proxy that http_proxy names; no_proxy=stigmer.example" in refusal.value.advice
