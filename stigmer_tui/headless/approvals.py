"""What a command without a screen does about tool calls that wait for approval."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.approvals import Deny, Verdict, WaitingCall, waiting_calls
from stigmer_tui.workbench.events import Event, RunChanged, RunStarted
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import NodeKey
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import Level

NOBODY = "nobody is at the terminal of this run who could allow it"


class OnApproval(StrEnum):
    """What becomes of a call that waits."""

    ASK = "ask"
    DENY = "deny"
    WAIT = "wait"
    """It is decided on elsewhere."""


Ask = Callable[[WaitingCall], Awaitable[Verdict]]
"""Lets the person at the terminal decide."""


async def nobody_to_ask(waiting: WaitingCall) -> Verdict:
    return Deny(NOBODY)


class Approvals:
    """Takes the events of a session; `run` decides on what waits."""

    def __init__(self, session: Session, policy: OnApproval, ask: Ask) -> None:
        self._session = session
        self._policy = policy
        self._ask = ask
        self._execution: Execution | None = None
        self._changed = asyncio.Event()
        self._seen: set[NodeKey] = set()

    def take(self, event: Event) -> None:
        match event:
            case RunStarted(run):
                self._execution = run.execution
            case RunChanged(execution):
                self._execution = execution
                self._changed.set()
            case _:
                pass

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while (waiting := self._next()) is not None:
                self._seen.add(waiting.key)
                await self._handle(waiting)

    def _next(self) -> WaitingCall | None:
        calls = waiting_calls(self._execution) if self._execution else []
        return next((call for call in calls if call.key not in self._seen), None)

    async def _handle(self, waiting: WaitingCall) -> None:
        match self._policy:
            case OnApproval.WAIT:
                command = f"stigmer-tui approve {waiting.execution_id} --call {waiting.call.id}"
                self._session.store.note(f"{waiting.call.name} waits for an approval: {command}", Level.WARNING)
            case OnApproval.DENY:
                await self._decide(waiting, Deny(NOBODY))
            case OnApproval.ASK:
                if (verdict := await self._verdict(waiting)) is not None:
                    await self._decide(waiting, verdict)

    async def _verdict(self, waiting: WaitingCall) -> Verdict | None:
        """The person's; None if the call no longer waits, because somebody else was faster or the run has ended."""
        asking = asyncio.ensure_future(self._ask(waiting))
        try:
            while not asking.done() and self._still_waits(waiting):
                change = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait((asking, change), return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                self._changed.clear()
            return asking.result() if asking.done() else None
        finally:
            asking.cancel()
            await asyncio.wait((asking,))

    def _still_waits(self, waiting: WaitingCall) -> bool:
        return self._execution is not None and waiting.key in [call.key for call in waiting_calls(self._execution)]

    async def _decide(self, waiting: WaitingCall, verdict: Verdict) -> None:
        try:
            await self._session.decide(waiting, verdict)
        except StigmerError as error:
            self._session.store.note(str(error), Level.WARNING)
