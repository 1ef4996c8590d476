"""What a command without a screen does about calls that wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.headless.approvals import NOBODY, Approvals, Ask, OnApproval, nobody_to_ask
from stigmer_tui.workbench.approvals import Allow, Deny, Verdict, WaitingCall
from stigmer_tui.workbench.events import RunChanged
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Node, NodeKind, PutNode
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Level

LIMIT = 60.0


class Decisions:
    """In the place of a session: it takes decisions and notes."""

    def __init__(self) -> None:
        self.store = self
        self.made: asyncio.Queue[tuple[str, Verdict]] = asyncio.Queue()
        self.notes: asyncio.Queue[str] = asyncio.Queue()
        self.refusal = ""

    async def decide(self, waiting: WaitingCall, verdict: Verdict) -> None:
        if self.refusal:
            raise StigmerError(self.refusal)
        self.made.put_nowait((waiting.call.id, verdict))

    def note(self, text: str, level: Level) -> None:
        self.notes.put_nowait(text)


def put(execution: Execution, call_id: str, state: RunState) -> RunChanged:
    node = Node(call_id, NodeKind.TOOL_CALL, "execute", state=state, input={"command": "ls"})
    execution.apply(PutNode(node, execution.root_key))
    return RunChanged(execution)


@asynccontextmanager
async def deciding(
    decisions: Decisions, policy: OnApproval, ask: Ask = nobody_to_ask
) -> AsyncIterator[tuple[Approvals, Execution]]:
    approvals = Approvals(cast(Session, decisions), policy, ask)
    task = asyncio.create_task(approvals.run())
    yield approvals, Execution(ResourceKind.AGENT, "agx_1", "helper")
    task.cancel()
    await asyncio.wait((task,))


async def test_without_a_terminal_each_call_is_denied_once() -> None:
    decisions = Decisions()
    async with deciding(decisions, OnApproval.DENY) as (approvals, execution):
        for call_id in ("call-1", "call-2", "call-2"):
            approvals.take(put(execution, call_id, RunState.WAITING))
        assert await asyncio.wait_for(decisions.made.get(), LIMIT) == ("call-1", Deny(NOBODY))
        assert await asyncio.wait_for(decisions.made.get(), LIMIT) == ("call-2", Deny(NOBODY))
        assert decisions.made.empty()


async def test_a_call_that_waits_for_others_is_named_with_the_command() -> None:
    decisions = Decisions()
    async with deciding(decisions, OnApproval.WAIT) as (approvals, execution):
        approvals.take(put(execution, "call-1", RunState.WAITING))
        expected = "execute waits for an approval: stigmer-tui approve agx_1 --call call-1"
        assert await asyncio.wait_for(decisions.notes.get(), LIMIT) == expected
        assert decisions.made.empty()


async def test_the_person_at_the_terminal_decides() -> None:
    decisions = Decisions()

    async def ask(waiting: WaitingCall) -> Verdict:
        return Allow({"command": f"echo {waiting.call.id}"})

    async with deciding(decisions, OnApproval.ASK, ask) as (approvals, execution):
        approvals.take(put(execution, "call-1", RunState.WAITING))
        assert await asyncio.wait_for(decisions.made.get(), LIMIT) == ("call-1", Allow({"command": "echo call-1"}))


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FAILED])
async def test_a_question_that_somebody_else_has_answered_is_taken_back(state: RunState) -> None:
    decisions, asked, taken_back = Decisions(), asyncio.Event(), asyncio.Event()

    async def ask(waiting: WaitingCall) -> Verdict:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            taken_back.set()
        return Allow()

    async with deciding(decisions, OnApproval.ASK, ask) as (approvals, execution):
        approvals.take(put(execution, "call-1", RunState.WAITING))
        await asyncio.wait_for(asked.wait(), LIMIT)
        approvals.take(put(execution, "call-1", state))
        await asyncio.wait_for(taken_back.wait(), LIMIT)
        assert decisions.made.empty()


async def test_a_decision_that_is_refused_is_noted() -> None:
    decisions = Decisions()
    decisions.refusal = "the call of execute has been decided on already"
    async with deciding(decisions, OnApproval.DENY) as (approvals, execution):
        approvals.take(put(execution, "call-1", RunState.WAITING))
        assert await asyncio.wait_for(decisions.notes.get(), LIMIT) == decisions.refusal
