"""Following an execution and all that it starts, without a server."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from stigmer_tui.api.agent_execution_pb2 import AgentMessage
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, FollowResponse, MessageDelta, WorkflowExecutionDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_struct
from stigmer_tui.api.workflow_execution_pb2 import WorkflowTask
from stigmer_tui.client.connection import StreamInterrupted
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.workbench import following
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.following import Follower
from stigmer_tui.workbench.model import ResourceKind, RunState

LIMIT = 60.0

AGENT = f"agx_{'0' * 26}"

Said = FollowResponse | StreamInterrupted | StigmerError | None


@dataclass
class Streams:
    """What the server says of each execution, as a test plays it; None ends a stream."""

    said: defaultdict[str, asyncio.Queue[Said]] = field(default_factory=lambda: defaultdict(asyncio.Queue))
    begun: list[tuple[str, int]] = field(default_factory=list)
    open: int = 0

    async def follow(
        self, connection: object, execution_id: str, interval_ms: int
    ) -> AsyncGenerator[FollowResponse | StreamInterrupted, None]:
        self.begun.append((execution_id, interval_ms))
        self.open += 1
        try:
            while (said := await self.said[execution_id].get()) is not None:
                if isinstance(said, StigmerError):
                    raise said
                yield said
        finally:
            self.open -= 1

    def say(self, execution_id: str, *said: Said) -> None:
        for each in said:
            self.said[execution_id].put_nowait(each)


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Streams:
    streams = Streams()
    monkeypatch.setattr(following, "follow", streams.follow)
    return streams


@dataclass
class Followed:
    execution: Execution
    task: asyncio.Task[None]
    calls: list[str]

    async def ended(self) -> None:
        await asyncio.wait_for(self.task, LIMIT)


@asynccontextmanager
async def followed(streams: Streams, redactor: Redactor | None = None) -> AsyncIterator[Followed]:
    execution, calls = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally"), list[str]()
    connection: Any = None
    follower = Follower(
        connection,
        lambda: calls.append("changed"),
        lambda: calls.append("interrupted"),
        redactor or Redactor([]),
        interval_ms=33,
    )
    task = asyncio.create_task(follower.follow(execution))
    try:
        yield Followed(execution, task, calls)
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def calls_child(task_id: str, child: str, detail: str = "") -> FollowResponse:
    metadata = to_struct({"child": child, "detail": detail})
    told = WorkflowTask(task_id=task_id, task_name=task_id.strip("/"), metadata=metadata)
    return FollowResponse(workflow_delta=WorkflowExecutionDelta(tasks=[told]))


def says(text: str) -> FollowResponse:
    messages = [MessageDelta(index=0, message=AgentMessage(content=text))]
    return FollowResponse(agent_delta=AgentExecutionDelta(phase=Phase.IN_PROGRESS.for_agent, messages=messages))


ENDED = FollowResponse(workflow_delta=WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow))


async def test_each_change_is_taken_and_said(streams: Streams) -> None:
    streams.say("wfx_1", ENDED, StreamInterrupted(1), ENDED, None)
    async with followed(streams) as it:
        await it.ended()
        assert it.calls == ["changed", "interrupted", "changed"]
        assert (it.execution.state, streams.begun, streams.open) == (RunState.COMPLETED, [("wfx_1", 33)], 0)


async def test_what_a_task_has_started_is_followed_below_it_once(streams: Streams) -> None:
    streams.say("wfx_1", calls_child("/ask", AGENT, "reviewer"), calls_child("/ask", AGENT), None)
    streams.say(AGENT, says("Hello"), None)
    async with followed(streams) as it:
        await it.ended()
        key = ("wfx_1", "/ask", AGENT)
        node = it.execution.node(key)
        assert (node.name, node.type, node.state) == ("reviewer", "agent", RunState.RUNNING)
        assert [message.text for message in it.execution.messages(key)] == ["Hello"]
        assert [execution_id for execution_id, _ in streams.begun] == ["wfx_1", AGENT]


async def test_a_workflow_that_a_workflow_runs_is_followed_to_any_depth(streams: Streams) -> None:
    streams.say("wfx_1", calls_child("/run", "wfx_2"), None)
    streams.say("wfx_2", calls_child("/ask", AGENT), None)
    streams.say(AGENT, says("Hello"), None)
    async with followed(streams) as it:
        await it.ended()
        assert it.execution.node(("wfx_1", "/run", "wfx_2")).name == "run"
        assert it.execution.node(("wfx_1", "/run", "wfx_2")).type == "workflow"
        assert it.execution.node(("wfx_1", "/run", "wfx_2", "/ask", AGENT)).type == "agent"


async def test_it_ends_with_the_last_of_all(streams: Streams) -> None:
    streams.say("wfx_1", calls_child("/ask", AGENT), None)
    async with followed(streams) as it:
        await settled()
        assert not it.task.done()
        streams.say(AGENT, None)
        await it.ended()


async def test_so_many_children_of_one_depth_are_followed_at_a_time(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MAX_CHILDREN", 2)
    streams.say("wfx_1", *(calls_child(f"/{number}", f"wfx_1{number}") for number in range(3)))
    streams.say("wfx_10", calls_child("/deeper", "wfx_100"))
    async with followed(streams) as it:
        await settled()
        # The third waits; what is deeper does not wait for it.
        assert {execution_id for execution_id, _ in streams.begun} == {"wfx_1", "wfx_10", "wfx_11", "wfx_100"}
        streams.say("wfx_11", None)
        await settled()
        assert ("wfx_12", 33) in streams.begun
        assert not it.task.done()


async def test_a_refusal_ends_it_and_is_the_error(streams: Streams) -> None:
    streams.say("wfx_1", calls_child("/ask", AGENT))
    streams.say(AGENT, StigmerError("No such execution"))
    async with followed(streams) as it:
        with pytest.raises(StigmerError, match="No such execution"):
            await it.ended()
        assert streams.open == 0


async def test_another_error_is_not_hidden(streams: Streams, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LookupError("odd")

    monkeypatch.setattr(following, "take_response", fail)
    streams.say("wfx_1", ENDED)
    async with followed(streams) as it:
        with pytest.raises(BaseExceptionGroup) as raised:
            await it.ended()
        assert raised.group_contains(LookupError, match="odd")


async def test_secrets_that_were_given_are_not_shown(streams: Streams) -> None:
    streams.say("wfx_1", calls_child("/ask", AGENT), None)
    streams.say(AGENT, says("it is hush-4711-hush"), None)
    async with followed(streams, Redactor(["hush-4711-hush"])) as it:
        await it.ended()
        assert [message.text for message in it.execution.messages(("wfx_1", "/ask", AGENT))] == ["it is [REDACTED]"]
