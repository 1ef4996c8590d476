"""A run with tools, a sub-agent and approvals in both, killed at every write of its journal, and taken up again."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from stigmer_tui.agents.asking import ModelAnswer, ModelAsker, Question
from stigmer_tui.agents.calls import INTERRUPTED
from stigmer_tui.api.agent_execution_pb2 import ToolCall
from stigmer_tui.api.approvals import is_waiting
from stigmer_tui.api.phases import Phase
from stigmer_tui.runners.lease import StopReason
from tests.agents.conftest import Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.test_approvals import ALLOWED, Desk, with_desk
from tests.agents.test_resume import CutJournal

SCRIPT = """
delay: 0
turns:
  - say: I begin.
    call:
      - write_file: {file_path: /a.txt, content: hello}
      - read_file: {file_path: /a.txt}
  - call: {execute: {command: "echo one >> log.txt"}}
  - call: {task: {description: "Write two"}}
  - say: Done.
sub_agents:
  general-purpose:
    turns:
      - call: {execute: {command: "echo two >> log.txt"}}
      - say: Two is written.
"""

WRITES = 21
"""Four turns and two of the sub-agent; beginning and end of the calls that have effects, three; for both approvals the
beginning and the end of the wait, which is one of the agent too, and the decision; and what the sub-agent has spent."""


def calls(agents: Agents, ledger: Ledger) -> list[ToolCall]:
    """Of the run and of its sub-agent."""
    return [call for part in (ledger, *agents.parts.values()) for call in part.calls]


@pytest.fixture
def asked_models(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each answer of a model is asked for: execution and turn."""
    asked: Counter[str] = Counter()
    ask = ModelAsker.ask

    async def counted(asker: ModelAsker, question: Question) -> ModelAnswer:
        asked[f"{asker._run.lease.execution_id} {question.call_id}"] += 1
        return await ask(asker, question)

    monkeypatch.setattr(ModelAsker, "ask", counted)
    return asked


async def killed(agents: Agents, cut: CutJournal) -> Ledger:
    ledger = Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(SCRIPT), ledger)
    assert lease.task is not None
    await asyncio.wait_for(cut.died.wait(), 60)
    lease.stop(StopReason.LOST)
    cut.gone.set()
    await asyncio.wait([lease.task])
    return ledger


async def test_the_writes_of_a_whole_run(agents: Agents) -> None:
    with_desk(agents, ALLOWED)
    cut = CutJournal(agents.journal, WRITES, before=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        ledger = await agents.run(assignment(SCRIPT))
    assert (ledger.answers, cut.writes) == (["I begin.", "Done."], WRITES)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(WRITES))
async def test_nothing_that_was_done_is_done_or_paid_again(
    agents: Agents, asked_models: Counter[str], number: int, before: bool
) -> None:
    desk: Desk = with_desk(agents, ALLOWED)
    cut = CutJournal(agents.journal, number, before)
    ledger = await killed(agents, cut)
    waited = [call.id for call in calls(agents, ledger) if is_waiting(call)]
    lease = agents.start(assignment(SCRIPT, attempt=2, status=ledger.status), ledger)
    assert lease.task is not None
    await asyncio.wait_for(lease.task, 60)

    assert (ledger.phase, ledger.answers) == (Phase.COMPLETED, ["I begin.", "Done."])
    # A model is asked again for an answer that was not durable, and for no other.
    again = [name for name, count in asked_models.items() if count > 1]
    assert len(again) == (cut.at.startswith("end turn/") and before)
    assert all(name.endswith(cut.at.removeprefix("end ")) for name in again)
    # Of a call that had begun nobody knows how far it came; its model is told, and it is not made again.
    has_begun = (cut.at.startswith("begin call/") and not before) or (cut.at.startswith("end call/") and before)
    unknown = [call.id for call in calls(agents, ledger) if call.error == INTERRUPTED]
    assert unknown == ([cut.at.rpartition("/")[2]] if has_begun else [])
    log = agents.folder / "log.txt"
    lines = log.read_text().split() if log.exists() else []
    assert lines == sorted(set(lines))
    assert len(lines) == 2 or has_begun
    # A decision that was durable is not asked for again; a wait goes on.
    asked = Counter(desk.asked)
    assert set(asked.values()) <= {1, 2}
    assert {call for call, count in asked.items() if count > 1} <= set(waited)
