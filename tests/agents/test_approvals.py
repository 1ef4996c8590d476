"""Calls that wait for an approval: what becomes of them, and that a wait and a decision survive any interruption."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from stigmer_tui.agents.calls import INTERRUPTED
from stigmer_tui.api.agent_execution_pb2 import ToolCall, ToolCallStatus
from stigmer_tui.api.approval_pb2 import Allowed, Decision, Denied
from stigmer_tui.api.approvals import APPROVAL, is_waiting
from stigmer_tui.api.phases import Phase
from stigmer_tui.api.structs import to_data, to_struct
from stigmer_tui.api.workflow_tasks_pb2 import AgentExecutionConfig
from stigmer_tui.core.approval_policy import ApprovalPolicy
from stigmer_tui.definition.extensions import APPROVE
from stigmer_tui.runners.lease import Lease, StopReason
from tests.agents.conftest import EXECUTION, Agents, assignment
from tests.agents.ledger import Ledger
from tests.agents.test_mcp import notes, spec
from tests.agents.test_resume import CutJournal

FAILED = ToolCallStatus.TOOL_CALL_FAILED
PENDING = ToolCallStatus.TOOL_CALL_PENDING
SECRET = "sk-very-secret"

SCRIPT = """
delay: 0
turns:
  - call: {execute: {command: "echo one >> log.txt; cat log.txt"}}
  - say: "It said {{execute}}"
"""

TWICE = """
delay: 0
turns:
  - call:
      - execute: {command: "echo one >> log.txt"}
      - write_file: {file_path: /a.txt, content: hello}
      - execute: {command: "echo two >> log.txt"}
  - say: Done.
"""

ALLOWED = Decision(allowed=Allowed())
DENIED = Decision(denied=Denied(reason="not on a Friday"))


@dataclass
class Desk:
    """Where people decide, as a server keeps it: a decision stays, whoever asks for it."""

    decision: Decision | None = None
    """For every call; None while nobody has decided."""
    asked: list[str] = field(default_factory=list)
    has_been_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def decide(self, lease: Lease, call_id: str) -> Decision:
        self.asked.append(call_id)
        self.has_been_asked.set()
        if self.decision is None:
            await asyncio.Event().wait()
        assert self.decision is not None
        return self.decision


def with_desk(agents: Agents, decision: Decision | None, tools: str = "execute") -> Desk:
    desk = Desk(decision)
    agents.decide, agents.approve = desk.decide, ApprovalPolicy.parse(tools, "test")
    return desk


def log(agents: Agents) -> str:
    path = agents.folder / "log.txt"
    return path.read_text() if path.exists() else ""


def state(call: ToolCall) -> object:
    return to_data(call.component_metadata.metadata).get(APPROVAL)


async def test_a_call_waits_before_it_is_made(agents: Agents) -> None:
    desk, ledger = with_desk(agents, None), Ledger()
    lease = agents.start(assignment(SCRIPT), ledger)
    assert lease.task is not None
    await asyncio.wait_for(desk.has_been_asked.wait(), 60)
    # The server knows before it is asked for the decision.
    (call,) = ledger.calls
    assert is_waiting(call)
    assert to_data(call.args) == {"command": "echo one >> log.txt; cat log.txt"}
    assert log(agents) == ""
    lease.stop(StopReason.CANCELLED, "enough")
    await asyncio.wait_for(lease.task, 60)
    (call,) = ledger.calls
    assert (ledger.phase, call.status, is_waiting(call)) == (Phase.CANCELLED, FAILED, False)
    assert log(agents) == ""


async def test_an_allowed_call_is_made(agents: Agents) -> None:
    with_desk(agents, ALLOWED)
    ledger = await agents.run(assignment(SCRIPT))
    assert (ledger.answers, log(agents)) == (["It said one"], "one\n")
    assert state(ledger.calls[0]) == "allowed"


async def test_the_model_gets_the_reason_of_a_denial(agents: Agents) -> None:
    with_desk(agents, DENIED)
    ledger = await agents.run(assignment(SCRIPT))
    (call,) = ledger.calls
    assert (call.status, call.error, state(call)) == (FAILED, "The call was denied: not on a Friday", "denied")
    assert ledger.answers == ["It said The call was denied: not on a Friday"]
    assert (ledger.phase, log(agents)) == (Phase.COMPLETED, "")


async def test_a_person_changes_the_arguments_and_the_model_knows(agents: Agents) -> None:
    with_desk(agents, Decision(allowed=Allowed(args=to_struct({"command": "echo three >> log.txt"}))))
    ledger = await agents.run(assignment(SCRIPT))
    (call,) = ledger.calls
    assert (to_data(call.args), state(call)) == ({"command": "echo three >> log.txt"}, "changed")
    assert log(agents) == "three\n"
    assert ledger.answers[0].startswith(
        'It said A person has changed the arguments of this call to {"command": "echo three >> log.txt"}.'
    )


async def test_changed_arguments_that_do_not_fit_fail_the_call(agents: Agents) -> None:
    with_desk(agents, Decision(allowed=Allowed(args=to_struct({"cmd": "ls"}))))
    ledger = await agents.run(assignment(SCRIPT))
    (call,) = ledger.calls
    assert 'to {"cmd": "ls"}, which do not fit the tool: command: ' in call.error
    assert (ledger.phase, call.status, log(agents)) == (Phase.COMPLETED, FAILED, "")


async def test_a_changed_call_that_fails_tells_the_model_of_the_change(agents: Agents) -> None:
    changed = {"file_path": "/missing.txt", "old_string": "a", "new_string": "b"}
    with_desk(agents, Decision(allowed=Allowed(args=to_struct(changed))), "edit_file")
    call = "{edit_file: {file_path: /a.txt, old_string: a, new_string: b}}"
    ledger = await agents.run(assignment(f"delay: 0\nturns:\n  - call: {call}\n  - say: '{{{{result}}}}'\n"))
    assert ledger.answers[0].startswith("A person has changed the arguments of this call to {")
    assert "/missing.txt" in ledger.answers[0].partition("\n")[2]


async def test_what_a_person_leaves_as_it_is_shown_stays_as_the_model_wrote_it(agents: Agents) -> None:
    """A secret is not shown, so what is sent back has a mark in its place."""
    shown = {"file_path": "/b.txt", "content": "[REDACTED]"}
    with_desk(agents, Decision(allowed=Allowed(args=to_struct(shown))), "write_file")
    call = f"{{write_file: {{file_path: /a.txt, content: {SECRET}}}}}"
    script = f"delay: 0\nturns:\n  - call: {call}\n  - say: Done.\n"
    ledger = await agents.run(assignment(script, secrets={"TOKEN": SECRET}))
    assert (agents.folder / "b.txt").read_text() == SECRET
    assert SECRET not in ledger.everything()


async def test_a_tool_is_allowed_for_the_rest_of_the_run(agents: Agents) -> None:
    desk = with_desk(agents, Decision(allowed=Allowed(all_of_run=True)))
    ledger = await agents.run(assignment(TWICE))
    assert (ledger.phase, log(agents)) == (Phase.COMPLETED, "one\ntwo\n")
    assert desk.asked == [ledger.calls[0].id]


@pytest.mark.parametrize(
    ("configured", "of_agent", "of_run", "asked"),
    [
        ("none", None, None, []),
        ("execute", None, None, ["execute", "execute"]),
        ("execute", "write_file", None, ["write_file"]),
        ("execute", "write_file", "none", []),
        ("none", None, "all", ["execute", "write_file", "execute"]),
    ],
)
async def test_the_run_says_which_tools_wait_else_its_agent_else_the_configuration(
    agents: Agents, configured: str, of_agent: str | None, of_run: str | None, asked: list[str]
) -> None:
    desk = with_desk(agents, ALLOWED, configured)
    work = assignment(TWICE, annotations={APPROVE: of_agent} if of_agent else None)
    if of_run:
        work.agent.execution.metadata.annotations[APPROVE] = of_run
    ledger = await agents.run(work)
    names = {call.id: call.name for call in ledger.calls}
    assert [names[call_id] for call_id in desk.asked] == asked


async def test_a_policy_that_is_no_policy_fails_the_run(agents: Agents) -> None:
    ledger = await agents.run(assignment(SCRIPT, annotations={APPROVE: "all, execute"}))
    assert ledger.phase is Phase.FAILED
    assert ledger.status.error.startswith("approve of the agent is 'all, execute': all and none stand alone")


async def test_a_tool_of_a_server_waits_like_any_other(agents: Agents) -> None:
    desk = with_desk(agents, Decision(allowed=Allowed(args=to_struct({"a": 2, "b": 5}))), "add")
    script = "delay: 0\nturns:\n  - call: {add: {a: 2, b: 3}}\n  - say: '{{add}}'\n"
    ledger = await agents.run(assignment(script, agent=spec(notes())))
    assert len(desk.asked) == 1
    assert ledger.calls[0].result == "7"


@pytest.mark.parametrize(
    ("of_run", "configured", "of_task", "note"),
    [
        ("ad,execute", "none", False, "No tool waits for approval by the name ad; did you mean add?"),
        ("unheard", "none", False, "No tool waits for approval by the name unheard"),
        # Of another agent, perhaps; a misspelling is one all the same.
        ("unheard", "none", True, ""),
        ("", "unheard,excute", False, "No tool waits for approval by the name excute; did you mean execute?"),
        ("add,execute", "none", False, ""),
    ],
)
async def test_names_that_no_tool_has_are_told_once_the_servers_are_up(
    agents: Agents, of_run: str, configured: str, of_task: bool, note: str
) -> None:
    with_desk(agents, ALLOWED, configured)
    config = AgentExecutionConfig() if of_task else None
    work = assignment("delay: 0\nturns:\n  - say: Done.\n", agent=spec(notes()), config=config)
    if of_run:
        work.agent.execution.metadata.annotations[APPROVE] = of_run
    ledger = await agents.run(work)
    assert [message.content for message in ledger.status.messages[1:]] == [*filter(None, [note]), "Done."]


WRITES = 7
"""Two turns, the beginning and the end of the wait, the decision, and the beginning and the end of the call."""


async def cut_off(agents: Agents, number: int, before: bool) -> tuple[Ledger, str]:
    cut, ledger = CutJournal(agents.journal, number, before), Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(SCRIPT), ledger)
    assert lease.task is not None
    await asyncio.wait_for(cut.died.wait(), 60)
    lease.stop(StopReason.LOST)
    await asyncio.wait([lease.task])
    return ledger, cut.at


async def take_up(agents: Agents, ledger: Ledger) -> None:
    lease = agents.start(assignment(SCRIPT, attempt=2, status=ledger.status), ledger)
    assert lease.task is not None
    await asyncio.wait_for(lease.task, 60)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(WRITES))
async def test_a_run_that_is_killed_at_any_write_makes_an_allowed_call_once(
    agents: Agents, number: int, before: bool
) -> None:
    desk = with_desk(agents, ALLOWED)
    ledger, at = await cut_off(agents, number, before)
    await take_up(agents, ledger)
    (call,) = ledger.calls
    assert (ledger.phase, state(call)) == (Phase.COMPLETED, "allowed")
    is_unknown = (at.startswith("begin call/") and not before) or (at.startswith("end call/") and before)
    assert (call.error == INTERRUPTED) is is_unknown
    assert log(agents) == ("" if at.startswith("begin call/") and not before else "one\n")
    # A decision that is durable is not asked for again.
    assert len(desk.asked) == (2 if (at.startswith("end wait/") or (at.startswith("end approval/") and before)) else 1)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("number", range(WRITES - 1))
async def test_a_run_that_is_killed_at_any_write_never_makes_a_denied_call(
    agents: Agents, number: int, before: bool
) -> None:
    with_desk(agents, DENIED)
    ledger, _ = await cut_off(agents, number, before)
    await take_up(agents, ledger)
    (call,) = ledger.calls
    assert (ledger.phase, call.error) == (Phase.COMPLETED, "The call was denied: not on a Friday")
    assert log(agents) == ""


@pytest.mark.parametrize("reason", [StopReason.LOST, StopReason.DRAINING])
async def test_a_wait_goes_on_in_the_next_runner(agents: Agents, reason: StopReason) -> None:
    desk, ledger = with_desk(agents, None), Ledger()
    lease = agents.start(assignment(SCRIPT), ledger)
    assert lease.task is not None
    await asyncio.wait_for(desk.has_been_asked.wait(), 60)
    lease.stop(reason)
    await asyncio.wait([lease.task])
    assert is_waiting(ledger.calls[0])
    desk.decision, before = ALLOWED, len(ledger.reports)
    await take_up(agents, ledger)
    assert (ledger.answers, log(agents)) == (["It said one"], "one\n")
    # For whoever decides meanwhile, it has never ceased to wait.
    states = [state(call) for report in ledger.reports[before:] for call in report.tool_calls]
    assert states[0] == "waiting" and set(states) == {"waiting", "allowed"}
    assert desk.asked == [ledger.calls[0].id] * 2


async def test_a_tool_stays_allowed_in_the_next_runner(agents: Agents) -> None:
    desk = with_desk(agents, Decision(allowed=Allowed(all_of_run=True)))
    # After the first call: the turn, its wait (two), the decision (two, as it is for the run), its beginning, its end.
    cut, ledger = CutJournal(agents.journal, 6, before=False), Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(TWICE), ledger)
    assert lease.task is not None
    await asyncio.wait_for(cut.died.wait(), 60)
    assert cut.at.startswith("end call/")
    lease.stop(StopReason.LOST)
    await asyncio.wait([lease.task])
    lease = agents.start(assignment(TWICE, attempt=2, status=ledger.status), ledger)
    assert lease.task is not None
    await asyncio.wait_for(lease.task, 60)
    assert (ledger.phase, log(agents), len(desk.asked)) == (Phase.COMPLETED, "one\ntwo\n", 1)


async def test_the_journal_holds_no_secret_that_a_person_has_typed(agents: Agents) -> None:
    with_desk(agents, Decision(allowed=Allowed(args=to_struct({"command": f"echo {SECRET} >> log.txt"}))))
    cut, ledger = CutJournal(agents.journal, 3, before=False), Ledger()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agents, "journal", cut)
        lease = agents.start(assignment(SCRIPT, secrets={"TOKEN": SECRET}), ledger)
    assert lease.task is not None
    await asyncio.wait_for(cut.died.wait(), 60)
    assert cut.at.startswith("end approval/")
    lease.stop(StopReason.LOST)
    await asyncio.wait([lease.task])
    steps = str(dict(agents.journal.execution(EXECUTION)))
    assert "[REDACTED]" in steps
    assert SECRET not in steps
