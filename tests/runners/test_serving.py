"""A runner's conversation with its server: hello, leases, heartbeats, cancellation, draining."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
import pytest

from stigmer_tui import __version__
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Cancel,
    Hello,
    Keys,
    Probe,
    StartAgentRequest,
    StartSubAgentRequest,
    StartWorkflowRequest,
    Welcome,
)
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.logs import EXECUTION
from stigmer_tui.runners import attachment
from stigmer_tui.runners.attachment import Profile, serve
from stigmer_tui.runners.lease import Lease, StopReason
from tests.runners.fake_server import LIMIT, FakeServer, rpc_error, workflow_assignment
from tests.runners.fake_server import assignment as agent_assignment

COMPLETED, FAILED, CANCELLED = (phase.for_agent for phase in (Phase.COMPLETED, Phase.FAILED, Phase.CANCELLED))


@dataclass
class Serving:
    server: FakeServer
    stopping: asyncio.Event
    task: asyncio.Task[None]
    leases: asyncio.Queue[Lease] = field(default_factory=asyncio.Queue)

    async def lease(self) -> Lease:
        """The next one on which work has begun."""
        return await asyncio.wait_for(self.leases.get(), LIMIT)

    async def ended(self) -> None:
        await asyncio.wait_for(self.task, LIMIT)


async def waits(lease: Lease) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def serving(
    work: Callable[[Lease], Awaitable[None]] = waits, profile: Profile | None = None
) -> AsyncIterator[Serving]:
    leases = asyncio.Queue[Lease]()

    async def noted(lease: Lease) -> None:
        leases.put_nowait(lease)
        await work(lease)

    server, stopping = FakeServer(), asyncio.Event()
    channel: Any = server
    task = asyncio.create_task(serve(channel, profile or Profile(Hello.AGENTS, 3), noted, stopping))
    try:
        yield Serving(server, stopping, task, leases)
    finally:
        stopping.set()
        await asyncio.wait_for(asyncio.wait((task,)), LIMIT)


async def test_a_runner_introduces_itself() -> None:
    async with serving(profile=Profile(Hello.WORKFLOWS, 7, "a-model", "bwrap")) as it:
        expected = Hello(kind=Hello.WORKFLOWS, version=__version__, capacity=7, model="a-model", sandbox="bwrap")
        assert (await it.server.message()).hello == expected


@dataclass
class Notes:
    """The journal of a runner, of which nothing is written."""

    kept: list[str]
    problem: str = ""

    def executions(self) -> list[str]:
        return list(self.kept)

    async def forget(self, execution_id: str) -> None:
        self.kept.remove(execution_id)
        if self.problem:
            await asyncio.Event().wait()


async def test_what_it_holds_of_executions_that_have_ended_is_deleted() -> None:
    notes = Notes(["agx_ended", "agx_goes_on"])
    async with serving(profile=Profile(Hello.AGENTS, 3, records=notes)) as it:
        assert list((await it.server.message()).hello.recorded) == ["agx_ended", "agx_goes_on"]
        it.server.say(welcome=Welcome(ended=["agx_ended"]))
        it.server.say(probe=Probe())
        await it.server.message()
        assert notes.kept == ["agx_goes_on"]


async def test_it_ends_although_its_journal_cannot_be_written() -> None:
    notes = Notes(["agx_ended"], "the disk is full")
    async with serving(profile=Profile(Hello.AGENTS, 3, records=notes)) as it:
        await it.server.message()
        it.server.say(welcome=Welcome(ended=["agx_ended"]))
        it.server.say(probe=Probe())
        await it.server.message()
        it.stopping.set()
        await asyncio.wait_for(it.task, LIMIT)


async def test_its_heartbeats_name_its_leases_and_its_problem() -> None:
    problem = "the disk is full"
    async with serving(profile=Profile(Hello.AGENTS, 3, records=Notes([], problem))) as it:
        await it.server.message()
        for name in ("one", "two"):
            it.server.say(assignment=agent_assignment(f"lease-{name}", f"agx_{name}"))
            await it.lease()
        it.server.say(probe=Probe())
        beat = (await it.server.message()).heartbeat
        assert (sorted(beat.lease_ids), beat.problem, beat.model) == (["lease-one", "lease-two"], problem, "")


async def test_keys_are_taken_and_the_model_that_they_give_is_told() -> None:
    taken: list[Mapping[str, str]] = []

    def take(variables: Mapping[str, str]) -> str:
        taken.append(dict(variables))
        return "gpt"

    async with serving(profile=Profile(Hello.AGENTS, 3, take_keys=take)) as it:
        await it.server.message()
        it.server.say(keys=Keys(variables={"OPENAI_API_KEY": "sk"}))
        assert (await it.server.message()).heartbeat.model == "gpt"
    assert taken == [{"OPENAI_API_KEY": "sk"}]


async def test_work_reports_its_own_end() -> None:
    async def completes(lease: Lease) -> None:
        await lease.report_end(Phase.COMPLETED)

    async with serving(completes) as it:
        it.server.say(assignment=agent_assignment())
        report = await it.server.report()
        assert (report.lease_id, report.agent.phase, report.agent.error) == ("lease-1", COMPLETED, "")
        # Nothing more is said of it, and the next one is worked on.
        it.server.say(assignment=agent_assignment("lease-2"))
        assert (await it.server.report()).lease_id == "lease-2"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (StigmerError("The key hush-4711-hush is wrong", "Advice."), "The key [REDACTED] is wrong"),
        (LookupError("hush-4711-hush"), "The runner met an internal error: LookupError('[REDACTED]')"),
        (
            asyncio.CancelledError(),
            "The runner met an internal error: the work was given up; see stigmer-tui server logs",
        ),
    ],
)
async def test_work_that_fails_is_reported_without_secrets(error: BaseException, message: str) -> None:
    async def fails(lease: Lease) -> None:
        raise error

    async with serving(fails) as it:
        it.server.say(assignment=agent_assignment(A_SECRET="hush-4711-hush"))
        report = await it.server.report()
        assert (report.agent.phase, report.agent.error) == (FAILED, message)
        assert not it.task.done()


async def test_a_workflow_fails_as_one() -> None:
    async def fails(lease: Lease) -> None:
        raise StigmerError("No")

    async with serving(fails, Profile(Hello.WORKFLOWS, 1)) as it:
        it.server.say(assignment=workflow_assignment())
        report = await it.server.report()
        assert (report.workflow.phase, report.workflow.error) == (Phase.FAILED.for_workflow, "No")
        assert not report.HasField("agent")


async def test_a_cancelled_lease_stops_its_work_and_no_other() -> None:
    async with serving() as it:
        for name in ("one", "two"):
            it.server.say(assignment=agent_assignment(f"lease-{name}"))
        one, two = await it.lease(), await it.lease()
        it.server.say(cancel=Cancel(lease_id="lease-none", reason="of nobody"))
        it.server.say(cancel=Cancel(lease_id="lease-one", reason="enough"))
        assert one.task and two.task
        await asyncio.wait_for(asyncio.wait((one.task,)), LIMIT)
        assert (one.ending, one.reason) == (StopReason.CANCELLED, "enough")
        assert (two.ending, two.task.done()) == (None, False)


async def test_a_lease_that_is_cancelled_before_its_work_has_begun_is_reported_as_cancelled() -> None:
    async with serving() as it:
        it.server.say(assignment=agent_assignment())
        it.server.say(cancel=Cancel(lease_id="lease-1", reason="enough"))
        report = await it.server.report()
        assert (report.agent.phase, report.agent.error) == (CANCELLED, "enough")
        assert it.leases.empty()


async def test_a_runner_that_must_end_says_so_and_stops_its_work() -> None:
    async with serving() as it:
        await it.server.message()
        it.server.say(assignment=agent_assignment())
        lease = await it.lease()
        it.stopping.set()
        assert (await it.server.message()).HasField("draining")
        await it.ended()
        assert lease.ending is StopReason.DRAINING
        assert lease.task and lease.task.done()
        assert it.server.reports.empty()


async def test_a_lease_that_arrives_while_the_runner_drains_is_not_begun() -> None:
    """Nothing would stop it, and the runner could not end."""
    draining, finished, received = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def finishes(lease: Lease) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            draining.set()
            await finished.wait()
            raise

    def take(variables: Mapping[str, str]) -> str:
        received.set()
        return ""

    async with serving(finishes, Profile(Hello.AGENTS, 3, take_keys=take)) as it:
        it.server.say(assignment=agent_assignment("lease-1"))
        await it.lease()
        it.stopping.set()
        await draining.wait()
        it.server.say(assignment=agent_assignment("lease-2"))
        it.server.say(keys=Keys())
        await received.wait()
        finished.set()
        await it.ended()
        assert it.leases.empty()


async def test_work_has_time_to_end_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment, "DRAIN_LIMIT", 0.01)
    cancellations: list[str] = []

    async def holds_on(lease: Lease) -> None:
        for _ in range(2):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancellations.append(lease.id)

    async with serving(holds_on) as it:
        it.server.say(assignment=agent_assignment())
        await it.lease()
        it.stopping.set()
        await it.ended()
    assert cancellations == ["lease-1", "lease-1"]


@pytest.mark.parametrize("error", [None, rpc_error(grpc.StatusCode.UNAVAILABLE, "gone")])
async def test_a_server_that_is_gone_ends_the_runner(error: grpc.aio.AioRpcError | None) -> None:
    async with serving() as it:
        await it.server.message()
        it.server.say(assignment=agent_assignment())
        lease = await it.lease()
        it.server.end(error)
        await it.ended()
        assert lease.ending is StopReason.DRAINING
        assert it.server.received.empty()


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, StopReason.LOST),
        (grpc.StatusCode.UNAVAILABLE, StopReason.DRAINING),
        (grpc.StatusCode.CANCELLED, StopReason.DRAINING),
        (grpc.StatusCode.UNAUTHENTICATED, StopReason.DRAINING),
    ],
)
async def test_a_lease_on_which_nothing_can_be_reported_is_stopped(code: grpc.StatusCode, ending: StopReason) -> None:
    async def completes(lease: Lease) -> None:
        await lease.report_end(Phase.COMPLETED)

    async with serving(completes) as it:
        it.server.refusals.append(rpc_error(code))
        it.server.say(assignment=agent_assignment())
        lease = await it.lease()
        assert lease.task
        await asyncio.wait_for(asyncio.wait((lease.task,)), LIMIT)
        assert lease.ending is ending
        assert it.server.reports.empty()


@pytest.mark.parametrize(("details", "reason"), [("no room", "no room"), ("", "internal")])
async def test_a_report_that_is_refused_fails_the_execution_with_the_reason(details: str, reason: str) -> None:
    async def completes(lease: Lease) -> None:
        await lease.report_end(Phase.COMPLETED)

    async with serving(completes) as it:
        it.server.refusals.append(rpc_error(grpc.StatusCode.INTERNAL, details))
        it.server.say(assignment=agent_assignment())
        report = await it.server.report()
        assert (report.agent.phase, report.agent.error) == (FAILED, f"The server could not take a report: {reason}")


async def test_a_lease_is_forgotten_when_its_work_has_ended() -> None:
    async def completes(lease: Lease) -> None:
        return

    async with serving(completes) as it:
        await it.server.message()
        it.server.say(assignment=agent_assignment())
        lease = await it.lease()
        assert lease.task
        await asyncio.wait_for(asyncio.wait((lease.task,)), LIMIT)
        it.server.say(probe=Probe())
        assert list((await it.server.message()).heartbeat.lease_ids) == []


async def test_children_are_started_in_the_name_of_the_lease() -> None:
    children: list[str] = []

    async def starts(lease: Lease) -> None:
        children.append((await lease.start_agent(StartAgentRequest(key="/ask"))).metadata.id)
        children.append((await lease.start_workflow(StartWorkflowRequest(key="/run"))).metadata.id)
        await lease.report_end(Phase.COMPLETED)

    async with serving(starts) as it:
        it.server.say(assignment=workflow_assignment())
        await it.server.report()
        assert children == ["agx_child", "wfx_child"]
        assert it.server.started == [
            StartAgentRequest(lease_id="lease-1", key="/ask"),
            StartWorkflowRequest(lease_id="lease-1", key="/run"),
        ]


async def test_a_child_is_not_started_for_a_lease_that_is_lost() -> None:
    async def starts(lease: Lease) -> None:
        await lease.start_workflow(StartWorkflowRequest(key="/run"))

    async with serving(starts) as it:
        it.server.refusals.append(rpc_error(grpc.StatusCode.FAILED_PRECONDITION))
        it.server.say(assignment=workflow_assignment())
        lease = await it.lease()
        assert lease.task
        await asyncio.wait_for(asyncio.wait((lease.task,)), LIMIT)
        assert lease.ending is StopReason.LOST


async def test_a_sub_agent_is_worked_on_with_a_lease_of_its_own() -> None:
    async def works(lease: Lease) -> None:
        await lease.report_end(Phase.COMPLETED)

    async def calls(lease: Lease) -> None:
        await lease.run_sub_agent(StartSubAgentRequest(key="call-1", message="Read it"), works)
        await lease.run_sub_agent(StartSubAgentRequest(key="call-2"), works)
        await lease.report_end(Phase.COMPLETED)

    async with serving(calls) as it:
        it.server.say(assignment=agent_assignment())
        assert [(await it.server.report()).lease_id for _ in range(2)] == ["part", "lease-1"]
        assert it.server.started == [
            StartSubAgentRequest(lease_id="lease-1", key="call-1", message="Read it"),
            StartSubAgentRequest(lease_id="lease-1", key="call-2"),
        ]


async def test_a_sub_agent_is_cancelled_with_its_agent() -> None:
    async def works(lease: Lease) -> None:
        it.server.say(cancel=Cancel(lease_id="lease-1", reason="enough"))
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            assert lease.ending is StopReason.CANCELLED
            await lease.report_end(Phase.CANCELLED, lease.reason)

    async def calls(lease: Lease) -> None:
        try:
            await lease.run_sub_agent(StartSubAgentRequest(key="call-1", message="Read it"), works)
        except asyncio.CancelledError:
            await lease.report_end(Phase.CANCELLED, lease.reason)

    async with serving(calls) as it:
        it.server.say(assignment=agent_assignment())
        ends = [await it.server.report() for _ in range(2)]
        assert [(end.lease_id, end.agent.error) for end in ends] == [("part", "enough"), ("lease-1", "enough")]


async def test_log_records_of_the_work_name_its_execution() -> None:
    named: list[str] = []

    async def notes(lease: Lease) -> None:
        named.append(EXECUTION.get())
        await lease.report_end(Phase.COMPLETED)

    async with serving(notes) as it:
        it.server.say(assignment=agent_assignment(execution_id="agx_7"))
        await it.server.report()
    assert (named, EXECUTION.get()) == (["agx_7"], "")


async def test_an_agent_that_cannot_be_started_is_the_works_own_affair() -> None:
    async def starts(lease: Lease) -> None:
        try:
            await lease.start_agent(StartAgentRequest(key="/ask"))
        except grpc.aio.AioRpcError as error:
            raise StigmerError(f"no child: {error.details()}") from error

    async with serving(starts) as it:
        it.server.refusals.append(rpc_error(grpc.StatusCode.NOT_FOUND, "no such agent"))
        it.server.say(assignment=agent_assignment())
        assert (await it.server.report()).agent.error == "no child: no such agent"
