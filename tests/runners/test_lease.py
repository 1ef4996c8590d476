"""A lease and its reports, without a server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import NoReturn

import pytest

from stigmer_tui.api.execution_pb2 import AgentExecutionDelta, WorkflowExecutionDelta
from stigmer_tui.api.model_call_pb2 import KeptRequest
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    ReportRequest,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
)
from stigmer_tui.core.known_secrets import clean
from stigmer_tui.runners.lease import Lease, LeaseLost, Reporter, ServerCalls, StopReason, Work, reporting
from tests.runners.fake_server import LIMIT, assignment, workflow_assignment

SECRET = "hush-4711-hush"


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 28, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


class Sent(list[ReportRequest]):
    """What a lease has sent, and what it shall fail with."""

    failure: Exception | None = None

    async def send(self, request: ReportRequest) -> None:
        if self.failure:
            raise self.failure
        self.append(request)


async def no_children(request: StartAgentRequest | StartWorkflowRequest) -> NoReturn:
    raise NotImplementedError


async def no_sub_agents(request: StartSubAgentRequest, work: Work) -> NoReturn:
    raise NotImplementedError


def lease_on(given: Assignment, sent: Sent | None = None) -> Lease:
    send = (sent if sent is not None else Sent()).send
    return Lease(given, ServerCalls(send, no_children, no_children, run_sub_agent=no_sub_agents), Noon())


@pytest.mark.parametrize(
    ("given", "execution_id"), [(assignment("l", "agx_9"), "agx_9"), (workflow_assignment("l", "wfx_9"), "wfx_9")]
)
def test_a_lease_names_its_execution(given: Assignment, execution_id: str) -> None:
    lease = lease_on(given)
    assert (lease.id, lease.execution_id, lease.ending, lease.reason) == ("l", execution_id, None, "")


@pytest.mark.usefixtures("logging_as_before")
def test_a_lease_knows_its_variables_and_which_are_secret() -> None:
    lease = lease_on(assignment(REGION="eu-west-1", A_SECRET=SECRET))
    assert lease.environment == {"REGION": "eu-west-1", "A_SECRET": SECRET}
    assert lease.secrets == {"A_SECRET"}
    assert lease.redactor.text(f"{SECRET} in eu-west-1") == "[REDACTED] in eu-west-1"
    # Nothing that the process logs holds it either.
    assert SECRET not in clean(f"it is {SECRET}")


async def test_the_first_reason_to_stop_decides() -> None:
    lease = lease_on(assignment())
    lease.task = asyncio.create_task(asyncio.Event().wait())  # type: ignore[arg-type]
    lease.stop(StopReason.CANCELLED, "enough")
    lease.stop(StopReason.DRAINING, "later")
    assert (lease.ending, lease.reason) == (StopReason.CANCELLED, "enough")
    assert lease.task.cancelling() == 1


async def test_a_change_is_sent_as_what_it_is() -> None:
    sent = Sent()
    await lease_on(assignment(), sent).report(AgentExecutionDelta(error="a"))
    await lease_on(workflow_assignment(), sent).report(WorkflowExecutionDelta(error="w"))
    assert sent == [
        ReportRequest(lease_id="lease-1", agent=AgentExecutionDelta(error="a")),
        ReportRequest(lease_id="lease-1", workflow=WorkflowExecutionDelta(error="w")),
    ]


async def test_an_end_has_its_time_and_no_secret() -> None:
    sent = Sent()
    await lease_on(assignment(A_SECRET=SECRET), sent).report_end(Phase.FAILED, f"bad {SECRET}")
    await lease_on(workflow_assignment(), sent).report_end(Phase.COMPLETED)
    at = "2026-11-28T12:00:00.000Z"
    assert sent[0].agent == AgentExecutionDelta(phase=Phase.FAILED.for_agent, error="bad [REDACTED]", completed_at=at)
    assert sent[1].workflow == WorkflowExecutionDelta(phase=Phase.COMPLETED.for_workflow, error="", completed_at=at)


class Changes:
    """What a reporter takes: a number for each time that something was there."""

    def __init__(self) -> None:
        self.count = 0
        self.taken = asyncio.Event()

    def take(self) -> AgentExecutionDelta | None:
        self.taken.set()
        if not self.count:
            return None
        delta, self.count = AgentExecutionDelta(error=str(self.count)), 0
        return delta


def errors(sent: Sent) -> list[str]:
    return [request.agent.error for request in sent]


async def test_changes_within_an_interval_go_out_together() -> None:
    sent, changes = Sent(), Changes()
    reporter = Reporter(lease_on(assignment(), sent), changes.take, interval=LIMIT)
    running = asyncio.create_task(reporter.run())
    changes.count = 1
    reporter.touch()
    await asyncio.wait_for(changes.taken.wait(), LIMIT)
    await asyncio.sleep(0)
    for _ in range(3):
        changes.count += 1
        reporter.touch()
        await asyncio.sleep(0)
    assert errors(sent) == ["1"]
    await reporter.flush()
    assert errors(sent) == ["1", "3"]
    running.cancel()


async def test_nothing_is_sent_where_nothing_has_changed() -> None:
    sent, changes = Sent(), Changes()
    reporter = Reporter(lease_on(assignment(), sent), changes.take)
    await reporter.flush()
    assert sent == []


async def test_requests_to_models_go_along_once() -> None:
    sent, changes = Sent(), Changes()
    reporter = Reporter(lease_on(assignment(), sent), changes.take)
    first, second, third = (KeptRequest(call_id=f"turn/{number}") for number in range(3))
    changes.count = 1
    reporter.keep(first)
    reporter.keep(second)
    await reporter.flush()
    reporter.keep(third)
    await reporter.flush()
    await reporter.flush()
    assert [(request.agent.error, list(request.requests)) for request in sent] == [
        ("1", [first, second]),
        ("", [third]),
    ]


async def test_a_reporter_goes_on_after_an_interval() -> None:
    sent, changes = Sent(), Changes()
    async with reporting(lease_on(assignment(), sent), changes.take) as reporter:
        for number in (1, 2):
            changes.count = number
            changes.taken.clear()
            reporter.touch()
            await asyncio.wait_for(changes.taken.wait(), LIMIT)
    assert errors(sent) == ["1", "2"]
    # What is changed after the block is not sent.
    changes.count = 3
    reporter.touch()
    await asyncio.sleep(0)
    assert errors(sent) == ["1", "2"]


async def test_a_reporter_ends_with_its_lease() -> None:
    sent, changes = Sent(), Changes()
    sent.failure = LeaseLost("gone")
    lease = lease_on(assignment(), sent)
    reporter = Reporter(lease, changes.take)
    changes.count = 1
    reporter.touch()
    await asyncio.wait_for(reporter.run(), LIMIT)
    assert lease.ending is None
    with pytest.raises(LeaseLost):
        changes.count = 2
        await reporter.flush()


async def test_what_cannot_be_sent_stops_the_work() -> None:
    sent, changes = Sent(), Changes()
    sent.failure = ValueError("too large")
    lease = lease_on(assignment(), sent)
    reporter = Reporter(lease, changes.take)
    changes.count = 1
    reporter.touch()
    await asyncio.wait_for(reporter.run(), LIMIT)
    assert (lease.ending, lease.reason) == (StopReason.REFUSED, "ValueError('too large')")
