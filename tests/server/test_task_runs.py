"""Runs of tasks by coding agents of others: their processes report, leave, come back and are cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest

from stigmer_tui.api.agent_execution_pb2 import MESSAGE_AI, AgentExecution, AgentExecutionId, AgentMessage
from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, CancelRequest, FollowRequest, MessageDelta
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.task_run_pb2 import TaskRun, TaskRunReport, TaskRunState
from stigmer_tui.definition import extensions
from stigmer_tui.server.leases import LeaseLimits
from stigmer_tui.server.task_runs import RUNNER_GONE
from tests.server.conftest import Api, running

RUN = TaskRun(key="1", org="local", task="tidy", agent="claude", model="sonnet", run_folder="/logs/1")


def said(index: int, text: str) -> TaskRunReport:
    message = AgentMessage(type=MESSAGE_AI, content=text)
    return TaskRunReport(delta=AgentExecutionDelta(messages=[MessageDelta(index=index, message=message)]))


class Process:
    """That of a run, with a connection."""

    def __init__(self, api: Api) -> None:
        self._reports: asyncio.Queue[TaskRunReport | None] = asyncio.Queue()
        self.call = api.task_runs.record(self._sent())
        self._states = aiter(self.call)

    async def begin(self) -> str:
        self.report(TaskRunReport(begin=RUN))
        return (await self.state()).execution_id

    def report(self, report: TaskRunReport) -> None:
        self._reports.put_nowait(report)

    async def state(self) -> TaskRunState:
        return await anext(self._states)

    async def _sent(self) -> AsyncIterator[TaskRunReport]:
        while report := await self._reports.get():
            yield report


async def stored(api: Api, execution_id: str) -> AgentExecution:
    return await api.agent_run_queries.get(AgentExecutionId(value=execution_id))


async def ended(api: Api, execution_id: str) -> AgentExecution:
    async with asyncio.timeout(60):
        async for _ in api.executions.follow(FollowRequest(execution_id=execution_id)):
            pass
    return await stored(api, execution_id)


async def test_a_run_is_an_execution(api: Api) -> None:
    process = Process(api)
    execution_id = await process.begin()
    process.report(said(0, "Hello"))
    done = AgentExecutionDelta(phase=Phase.COMPLETED.for_agent, completed_at="2026-02-19T00:00:00Z")
    process.report(TaskRunReport(delta=done))
    assert Phase((await process.state()).phase) is Phase.COMPLETED
    execution = await stored(api, execution_id)
    assert (execution.spec.agent_id, execution.spec.message) == ("task:tidy", "claude")
    assert execution.metadata.annotations[extensions.TASK] == "tidy"
    assert [message.content for message in execution.status.messages] == ["Hello"]


async def test_a_process_that_comes_back_goes_on_with_its_execution(api: Api) -> None:
    first = Process(api)
    execution_id = await first.begin()
    first.report(said(0, "Hello"))
    second = Process(api)
    assert await second.begin() == execution_id
    first.call.cancel()
    # It cannot know how much has arrived.
    second.report(said(0, "Hello"))
    second.report(said(1, "again"))
    second.report(TaskRunReport(delta=AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)))
    execution = await ended(api, execution_id)
    assert [message.content for message in execution.status.messages] == ["Hello", "again"]


async def test_a_process_hears_that_its_run_was_cancelled(api: Api) -> None:
    process = Process(api)
    execution_id = await process.begin()
    await api.executions.cancel(CancelRequest(execution_id=execution_id, reason="enough"))
    assert Phase((await process.state()).phase) is Phase.CANCELLED


async def test_a_run_whose_process_stays_away_has_failed(tmp_path: Path) -> None:
    async with running(tmp_path, limits=LeaseLimits(absence=0.05)) as api:
        process = Process(api)
        execution_id = await process.begin()
        process.call.cancel()
        execution = await ended(api, execution_id)
    assert (Phase(execution.status.phase), execution.status.error) == (Phase.FAILED, RUNNER_GONE)


async def test_a_server_that_was_restarted_gives_a_run_to_nobody_else_and_waits_for_its_process(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        execution_id = await Process(api).begin()
    async with running(tmp_path) as api:
        assert api.server.leases.queued(2) == 0
        process = Process(api)
        assert await process.begin() == execution_id
        process.report(TaskRunReport(delta=AgentExecutionDelta(phase=Phase.COMPLETED.for_agent)))
        assert Phase((await ended(api, execution_id)).status.phase) is Phase.COMPLETED
    async with running(tmp_path / "other", limits=LeaseLimits(absence=0.05)) as api:
        execution_id = await Process(api).begin()
    async with running(tmp_path / "other", limits=LeaseLimits(absence=0.05)) as api:
        assert (await ended(api, execution_id)).status.error == RUNNER_GONE


async def test_what_is_no_beginning_is_refused(api: Api) -> None:
    process = Process(api)
    process.report(said(0, "Hello"))
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await process.state()
    assert refusal.value.code() is grpc.StatusCode.INVALID_ARGUMENT
