"""A runner that does only what the test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, WorkflowExecutionDelta
from stigmer_tui.api.model_call_pb2 import KeptRequest
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    Cancel,
    Capacity,
    Heartbeat,
    Hello,
    ReportRequest,
    RunnerMessage,
    ServerMessage,
)
from tests.server.conftest import Api

LIMIT = 60.0


class Runner:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._messages: asyncio.Queue[ServerMessage] = asyncio.Queue()
        self.outbox: asyncio.Queue[RunnerMessage] = asyncio.Queue()
        self.sent_away = asyncio.Event()

    def received(self, message: ServerMessage) -> None:
        self._messages.put_nowait(message)

    async def message(self) -> ServerMessage:
        return await asyncio.wait_for(self._messages.get(), LIMIT)

    async def assignment(self) -> Assignment:
        message = await self.message()
        assert message.HasField("assignment"), message
        return message.assignment

    async def cancel(self) -> Cancel:
        message = await self.message()
        assert message.HasField("cancel"), message
        return message.cancel

    async def keys(self) -> dict[str, str]:
        message = await self.message()
        assert message.HasField("keys"), message
        return dict(message.keys.variables)

    def beat(self, *lease_ids: str, problem: str = "", model: str = "") -> None:
        self.outbox.put_nowait(RunnerMessage(heartbeat=Heartbeat(lease_ids=lease_ids, problem=problem, model=model)))

    async def report(
        self, lease_id: str, delta: AgentExecutionDelta | WorkflowExecutionDelta, *requests: KeptRequest
    ) -> int:
        """Returns the version. `requests` were sent to models."""
        if isinstance(delta, AgentExecutionDelta):
            request = ReportRequest(lease_id=lease_id, agent=delta, requests=requests)
        else:
            request = ReportRequest(lease_id=lease_id, workflow=delta)
        return (await self._api.runners.report(request)).version


@asynccontextmanager
async def attached(
    api: Api, kind: Hello.Kind.ValueType, capacity: int = 10, capacities: Sequence[Capacity] = ()
) -> AsyncIterator[Runner]:
    """Leaves without a word, as a runner that is killed."""
    runner = Runner(api)

    hello = Hello(kind=kind, capacity=capacity, model="a model", sandbox="a box", capacities=capacities)

    async def messages() -> AsyncIterator[RunnerMessage]:
        yield RunnerMessage(hello=hello)
        while True:
            yield await runner.outbox.get()

    stream = api.runners.attach(messages())
    first = await anext(aiter(stream))
    assert first.HasField("welcome")

    async def listen() -> None:
        async for message in stream:
            runner.received(message)
        runner.sent_away.set()

    listening = asyncio.create_task(listen())
    yield runner
    stream.cancel()
    await asyncio.wait((listening,))
