"""A runner that is attached to the server: what it has been given, what it can take, and whether it answers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from stigmer_tui.api.runner_pb2 import Hello, Probe, ServerMessage
from stigmer_tui.core.daemon_processes import RunnerIdentity
from stigmer_tui.server.execution_state import AgentExecutionState
from stigmer_tui.server.executions import LiveExecution


@dataclass(slots=True, eq=False)
class LeaseState:
    id: str
    live: LiveExecution
    sent: bool = False
    cancelling: bool = False
    missed: int = 0
    """Heartbeats in a row that did not contain it."""
    is_part: bool = False
    """Whether it is given out with another one, and not again by itself."""


@dataclass(slots=True, eq=False)
class Runner:
    identity: RunnerIdentity
    hello: Hello
    outbox: asyncio.Queue[ServerMessage] = field(default_factory=asyncio.Queue)
    leases: dict[str, LeaseState] = field(default_factory=dict)
    draining: bool = False
    answer: asyncio.Future[str] | None = None
    """To the probe that has no answer yet."""

    @property
    def capacities(self) -> dict[int, int]:
        """How many executions it takes at a time, by kind."""
        if not self.hello.capacities:
            return {self.hello.kind: max(1, self.hello.capacity)}
        return {each.kind: each.executions for each in self.hello.capacities}

    async def ask(self, limit: float) -> str:
        """An Ask. One that does not answer gets no second probe meanwhile."""
        if self.answer is None:
            self.answer = asyncio.get_running_loop().create_future()
            self.outbox.put_nowait(ServerMessage(probe=Probe()))
        return await asyncio.wait_for(asyncio.shield(self.answer), limit)

    def take_answer(self, problem: str) -> None:
        if self.answer:
            self.answer.set_result(problem)
            self.answer = None

    async def next_message(self, listening: asyncio.Task[None]) -> ServerMessage | None:
        """The next one to send, or None if the runner has gone."""
        get = asyncio.create_task(self.outbox.get())
        try:
            await asyncio.wait((get, listening), return_when=asyncio.FIRST_COMPLETED)
            return get.result() if get.done() else None
        finally:
            get.cancel()

    def has_room(self, kind: int) -> bool:
        # Parts are left out: what they are parts of waits for them.
        taken = sum(runner_kind(lease.live) == kind and not lease.is_part for lease in self.leases.values())
        return not self.draining and taken < self.capacities.get(kind, 0)


def runner_kind(live: LiveExecution) -> Hello.Kind.ValueType:
    return Hello.AGENTS if isinstance(live.state, AgentExecutionState) else Hello.WORKFLOWS
