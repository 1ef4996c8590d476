"""Runs that are cut off at any point, as by SIGKILL, and taken up by the next runner from the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from stigmer_tui.agents.calls import INTERRUPTED
from stigmer_tui.api.agent_execution_pb2 import AgentExecutionStatus, ToolCallStatus
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data
from stigmer_tui.core.paths import Home
from stigmer_tui.definition.support import REPEATABLE
from stigmer_tui.runners.journal import ExecutionJournal, Journal, JournalStep
from stigmer_tui.runners.lease import LeaseLost, StopReason
from tests.agents.conftest import EXECUTION, Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.waiting import exists

COMPLETED = ToolCallStatus.TOOL_CALL_COMPLETED
FAILED = ToolCallStatus.TOOL_CALL_FAILED
SECRET = "sk-very-secret"

SCRIPT = """
delay: 0
turns:
  - say: First I look around.
    call:
      - execute: {command: "echo one >> log.txt; cat log.txt"}
      - write_file: {file_path: /a.txt, content: hello}
      - read_file: {file_path: /a.txt}
  - call:
      - edit_file: {file_path: /a.txt, old_string: hello, new_string: hello hello}
      - read_file: {file_path: /missing.txt}
  - say: There are two now, {{message}}.
"""


@dataclass
class CutJournal:
    """The journal of a process that dies at its n-th write: right before the write is durable, or right after."""

    journal: Journal
    number: int
    before: bool
    at: str = ""
    """The write at which it died, such as `begin call/1`."""
    died: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when nothing waits for the dead process any more: what it still does by itself ends."""
    writes: int = 0
    in_order: asyncio.Lock = field(default_factory=asyncio.Lock)

    def execution(self, execution_id: str) -> CutExecutionJournal:
        return CutExecutionJournal(self, self.journal.execution(execution_id))

    def forget(self, execution_id: str) -> Awaitable[None]:
        return self.journal.forget(execution_id)

    async def flush(self) -> None:
        async with self.in_order:
            pass
        if self.died.is_set():
            await self._hang()

    async def write(self, name: str, write: Callable[[], Awaitable[object]]) -> None:
        async with self.in_order:
            dies = not self.died.is_set() and self.writes == self.number
            self.writes += 1
            if not self.died.is_set() and not (dies and self.before):
                await write()
            if dies:
                self.at = name
                self.died.set()
        if self.died.is_set():
            await self._hang()

    async def _hang(self) -> None:
        await self.gone.wait()
        raise LeaseLost("the process is dead")


@dataclass
class CutExecutionJournal:
    cut: CutJournal
    journal: ExecutionJournal
    noted: dict[str, JournalStep] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[str, JournalStep]]:
        return iter(self.journal)

    def find(self, step: str) -> JournalStep | None:
        return self.noted.get(step) or self.journal.find(step)

    def begin(self, step: str, value: Any = None) -> asyncio.Future[None]:
        return self._queued(f"begin {step}", lambda: self._written(self.journal.begin, step, value))

    def complete(self, step: str, value: Any = None) -> asyncio.Future[None]:
        return self._queued(f"end {step}", lambda: self._written(self.journal.complete, step, value))

    def flush(self) -> asyncio.Future[None]:
        return asyncio.ensure_future(self.cut.flush())

    def _queued(self, name: str, write: Callable[[], Awaitable[object]]) -> asyncio.Future[None]:
        """In the order of the calls, as the journal does it."""
        return asyncio.ensure_future(self.cut.write(name, write))

    def note(self, step: str, value: Any) -> None:
        """Lost with the process, unless another step is written before."""
        self.noted[step] = JournalStep(True, value)

    async def _written(self, write: Callable[[str, Any], Awaitable[None]], step: str, value: Any) -> None:
        for noted, state in self.noted.items():
            self.journal.note(noted, state.value)
        self.noted.clear()
        await write(step, value)


WRITES = 9
"""Of a run of the script: three turns, and the beginning and the end of each call that has effects."""

FIRST_MESSAGES = {"end turn/0": 1, "end turn/1": 5, "end turn/2": 7}
"""Indexes at which the messages of each turn begin."""


async def cut_off(agents: Agents, number: int, before: bool, reported: str = "") -> tuple[Ledger, str]:
    """A run that nobody works on any more from a write on; what the server knows of it, and which write it was.

    With `reported`, the server has heard that text before.
    """
    cut = CutJournal(agents.journal, number, before)
    ledger = Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(SCRIPT, "Bob"), ledger)
    assert lease.task is not None
    async with asyncio.timeout(60):
        await cut.died.wait()
    await ledger.until(lambda ledger: reported in str(ledger.answers))
    lease.stop(StopReason.LOST)
    await asyncio.wait([lease.task])
    return ledger, cut.at


async def take_up(agents: Agents, ledger: Ledger, script: str = SCRIPT) -> None:
    """The next runner, on the same journal, for the same server."""
    lease = agents.start(assignment(script, "Bob", attempt=2, status=ledger.status), ledger)
    assert lease.task is not None
    async with asyncio.timeout(60):
        await lease.task


def outline(ledger: Ledger) -> list[object]:
    """The transcript without times and results."""
    return [
        (message.type, message.content, [(call.name, to_data(call.args)) for call in message.tool_calls])
        for message in ledger.status.messages
    ]


def reads(ledger: Ledger, call_id: str) -> bool:
    return any(call.id == call_id and call.name in REPEATABLE for call in ledger.calls)


def content(agents: Agents, name: str) -> str:
    path = agents.folder / name
    return path.read_text() if path.exists() else ""


async def run_whole(tmp_path: Path) -> Ledger:
    """A run that nothing cuts off, in a home of its own."""
    home = Home(tmp_path / "another")
    home.prepare()
    agents = Agents(home)
    ledger = await agents.run(assignment(SCRIPT, "Bob"))
    agents.journal.close()
    return ledger


def outcomes(ledger: Ledger) -> list[tuple[str, str]]:
    return [(call.result, call.error) for call in ledger.calls]


async def test_the_writes_of_a_whole_run(agents: Agents) -> None:
    cut = CutJournal(agents.journal, WRITES, before=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        ledger = await agents.run(assignment(SCRIPT, "Bob"))
    assert cut.writes == WRITES
    assert ledger.kinds == ["HUMAN", "AI", "TOOL", "TOOL", "TOOL", "TOOL", "TOOL", "AI"]
    assert content(agents, "a.txt") == "hello hello"


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(WRITES))
async def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(
    agents: Agents, tmp_path: Path, number: int, before: bool
) -> None:
    whole = await run_whole(tmp_path)
    ledger, at = await cut_off(agents, number, before)
    known = AgentExecutionStatus()
    known.CopyFrom(ledger.status)
    await take_up(agents, ledger)

    assert ledger.phase is Phase.COMPLETED
    assert outline(ledger) == outline(whole)
    assert all(call.status in (COMPLETED, FAILED) for call in ledger.calls)
    assert content(agents, "log.txt") in ("", "one\n")

    interrupted = [call.id for call in ledger.calls if call.error == INTERRUPTED]
    if at.startswith("begin call/") and not before:
        assert interrupted == [at.removeprefix("begin call/")]
    elif at.startswith("end call/") and before:
        assert interrupted == [at.removeprefix("end call/")]
    else:
        assert interrupted == []
        assert outcomes(ledger) == outcomes(whole)
        assert content(agents, "log.txt") == "one\n"
        assert content(agents, "a.txt") == "hello hello"

    kept = known.messages[: FIRST_MESSAGES.get(at, len(known.messages)) if before else len(known.messages)]
    assert [message.timestamp for message in kept] == [m.timestamp for m in ledger.status.messages[: len(kept)]]
    assert ledger.status.started_at == (known.started_at or ledger.status.started_at)
    for call in known.tool_calls:
        # What only reads may be done again, while it is not durable.
        if call.completed_at and not reads(ledger, call.id):
            assert call in ledger.calls


@pytest.mark.parametrize(("number", "text"), [(0, "First I look around."), (8, "There are two now, Bob.")])
async def test_a_turn_that_is_asked_again_does_not_double_what_was_said(agents: Agents, number: int, text: str) -> None:
    ledger, at = await cut_off(agents, number, before=True, reported=text)
    assert at.startswith("end turn/")
    await take_up(agents, ledger)
    assert ledger.answers == ["First I look around.", "There are two now, Bob."]


SLOW = """
delay: 0
turns:
  - call: {execute: {command: "touch begun; sleep 0.3; echo one >> log.txt"}}
  - say: Done.
"""


async def drained(agents: Agents) -> Ledger:
    ledger = Ledger()
    lease = agents.start(assignment(SLOW), ledger)
    assert lease.task is not None
    await exists(agents.folder / "begun")
    lease.stop(StopReason.DRAINING)
    await asyncio.wait([lease.task])
    assert ledger.phase is Phase.IN_PROGRESS
    return ledger


async def test_a_runner_that_drains_lets_a_call_come_to_its_end(agents: Agents) -> None:
    ledger = await drained(agents)
    await take_up(agents, ledger, SLOW)
    assert (ledger.answers, outcomes(ledger)) == (["Done."], [("[exit code 0]", "")])
    assert content(agents, "log.txt") == "one\n"


async def test_a_call_that_takes_too_long_for_a_drain_is_killed(
    agents: Agents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stigmer_tui.agents.calls.GRACE", 0.01)
    ledger = await drained(agents)
    await take_up(agents, ledger, SLOW)
    assert (ledger.answers, outcomes(ledger)) == (["Done."], [("", INTERRUPTED)])
    assert content(agents, "log.txt") == ""


async def test_the_journal_holds_no_secret(agents: Agents) -> None:
    script = SCRIPT.replace("look around", "use {{message}}").replace("echo one", "echo $TOKEN {{message}}")
    ledger = Ledger()
    cut = CutJournal(agents.journal, 6, before=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(script, SECRET, secrets={"TOKEN": SECRET}), ledger)
    assert lease.task is not None
    async with asyncio.timeout(60):
        await cut.died.wait()
    lease.stop(StopReason.LOST)
    await asyncio.wait([lease.task])
    steps = dict(agents.journal.execution(EXECUTION))
    assert len(steps) == 6
    assert "[REDACTED]" in str(steps)
    assert SECRET not in str(steps)
