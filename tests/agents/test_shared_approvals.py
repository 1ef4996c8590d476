"""What a run and its sub-agents have together: tools allowed for the run, its time, and what it has spent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stigmer_tui.agents.journal import AgentJournal
from stigmer_tui.agents.spending import LimitReachedError, Spending
from stigmer_tui.agents.working_time import WorkingTime
from stigmer_tui.api.approval_pb2 import Allowed, Decision
from stigmer_tui.api.model_call_pb2 import ModelCall
from stigmer_tui.api.phases import Phase
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.core.run_limits import RunLimits
from stigmer_tui.definition import extensions
from stigmer_tui.runners.journal import Journal
from stigmer_tui.runners.lease import Lease
from tests.agents.conftest import Agents, assignment
from tests.agents.test_approvals import SCRIPT, with_desk

FOR_RUN = Decision(allowed=Allowed(all_of_run=True))

IN_TURN = """
delay: 0
turns:
  - call: {task: {description: "first"}}
  - call: {execute: {command: "echo main >> log.txt"}}
  - call: {task: {description: "second"}}
  - say: Done.
sub_agents:
  general-purpose:
    turns:
      - call: {execute: {command: "echo part >> log.txt"}}
      - say: Done.
"""

TOGETHER = """
delay: 0
turns:
  - call: [{task: {description: "first"}}, {task: {description: "second"}}]
  - say: Done.
sub_agents:
  general-purpose:
    turns:
      - call: {execute: {command: "echo part >> log.txt"}}
      - say: Done.
"""


async def test_a_tool_that_is_allowed_in_a_sub_agent_is_allowed_in_the_whole_run(agents: Agents) -> None:
    desk = with_desk(agents, FOR_RUN)
    ledger = await agents.run(assignment(IN_TURN))
    assert (ledger.phase, len(desk.asked)) == (Phase.COMPLETED, 1)
    assert (agents.folder / "log.txt").read_text() == "part\nmain\npart\n"


@dataclass
class OneDecision:
    """A person who decides on one of several calls, once all of them wait."""

    calls: int
    asked: list[str] = field(default_factory=list)
    all_wait: asyncio.Event = field(default_factory=asyncio.Event)

    async def decide(self, lease: Lease, call_id: str) -> Decision:
        self.asked.append(lease.execution_id)
        if len(self.asked) == self.calls:
            self.all_wait.set()
        await self.all_wait.wait()
        if lease.execution_id != self.asked[0]:
            await asyncio.Event().wait()
        return FOR_RUN


async def test_calls_of_other_sub_agents_that_wait_already_are_made_too(agents: Agents) -> None:
    person = OneDecision(2)
    agents.decide, agents.approve = person.decide, ApprovalPolicy.parse("execute", "test")
    ledger = await agents.run(assignment(TOGETHER))
    assert (ledger.phase, len(person.asked)) == (Phase.COMPLETED, 2)
    assert (agents.folder / "log.txt").read_text() == "part\npart\n"


@dataclass
class HandClock:
    """Shows the time that it was set to."""

    moment: datetime = datetime(2026, 11, 29, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "agents.db")


START = "2026-11-29T00:00:00Z"


def left(limit: asyncio.Timeout) -> float | None:
    """Seconds; None while the time stands still."""
    when = limit.when()
    return None if when is None else when - asyncio.get_running_loop().time()


async def test_the_time_of_a_run_stands_still_while_a_person_decides(journal: Journal) -> None:
    clock = HandClock()
    agent = WorkingTime(AgentJournal(journal.execution("a")), clock, START)
    part = WorkingTime(AgentJournal(journal.execution("b")), clock, START, agent)
    async with agent.limit(1000) as limit:
        clock.advance(100)
        async with part.standing_still("b/1"):
            assert left(limit) is None
            clock.advance(5000)
            async with agent.standing_still("a/1"):
                clock.advance(5000)
            assert left(limit) is None
        assert left(limit) == pytest.approx(900, abs=90)
    journal.close()


async def test_it_stands_still_until_the_next_runner_too(journal: Journal) -> None:
    clock = HandClock()
    record = AgentJournal(journal.execution("a"))
    await record.start_wait("a/1", START)
    clock.advance(5000)
    following = WorkingTime(AgentJournal(journal.execution("a")), clock, START)
    async with following.limit(1000) as limit:
        async with following.standing_still("a/1"):
            clock.advance(5000)
        assert left(limit) == pytest.approx(1000, abs=90)
        clock.advance(100)
        async with following.standing_still("a/2"):
            pass
        assert left(limit) == pytest.approx(900, abs=90)
    journal.close()


async def test_a_run_within_its_time_is_not_ended_by_a_wait(agents: Agents) -> None:
    """Each look at the clock of the test takes a second."""
    desk = with_desk(agents, Decision(allowed=Allowed()))

    async def after_an_hour(lease: Lease, call_id: str) -> Decision:
        agents.clock.moment += timedelta(hours=1)
        return await desk.decide(lease, call_id)

    agents.decide = after_an_hour
    ledger = await agents.run(assignment(SCRIPT, annotations={extensions.LIMITS: '{"time": 1800}'}))
    assert (ledger.phase, ledger.status.error) == (Phase.COMPLETED, "")


async def test_what_sub_agents_have_spent_counts_after_a_restart(journal: Journal) -> None:
    limits = RunLimits(tokens=100)
    before = Spending(limits, {}, AgentJournal(journal.execution("a")))
    before.note("b", ModelCall(id="turn/0", input_tokens=60, output_tokens=30))
    await before.keep("b")
    after = Spending(limits, {}, AgentJournal(journal.execution("a")))
    after.check("helper", 1)
    # The same call, read again from the journal of a sub-agent whose end was not reported.
    after.note("b", ModelCall(id="turn/0", input_tokens=60, output_tokens=30))
    after.check("helper", 1)
    after.note("a", ModelCall(id="turn/0", input_tokens=10))
    with pytest.raises(LimitReachedError, match="it has used 100"):
        after.check("helper", 1)
    journal.close()
