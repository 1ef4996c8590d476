"""The world of one execution, journaled: the times of its tasks, its timers, and through others its calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import blake2b
from uuid import UUID

from stigmer_tui.runners.journal import ExecutionJournal
from stigmer_tui.workflow.context import (
    AgentRequest,
    AgentResponse,
    HttpRequest,
    HttpResponse,
    WatchAttempts,
    WatchChild,
)
from stigmer_tui.workflow.embedded.agents import ChildAgents
from stigmer_tui.workflow.embedded.beginning import RunSeed
from stigmer_tui.workflow.embedded.engine import Engine
from stigmer_tui.workflow.embedded.requests import Requests

BREATH = 64
"""Tasks between two pauses in which the journal, and everything else, catches up."""


class EmbeddedContext:
    """A task has a step under its key: when it began and ended. What it calls has steps of its own below."""

    def __init__(
        self, engine: Engine, journal: ExecutionJournal, beginning: RunSeed, requests: Requests, agents: ChildAgents
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._nonce = beginning.nonce.encode()
        self._requests = requests
        self._agents = agents
        self._ahead = {key for key, step in journal if step.done and "finished" in step.value}
        self._breaths = 0

    @property
    def is_replaying(self) -> bool:
        """Whether there are still tasks ahead that another process has finished."""
        return bool(self._ahead)

    def uuid(self, key: str) -> str:
        return str(UUID(bytes=blake2b(key.encode(), key=self._nonce, digest_size=16).digest(), version=4))

    def started(self, key: str) -> datetime:
        recorded = self._journal.find(key)
        if recorded is not None:
            return datetime.fromisoformat(recorded.value["started"])
        self._ahead.clear()
        now = self._engine.clock.now()
        self._journal.note(key, {"started": now.isoformat()}, done=False)
        return now

    def finished(self, key: str) -> datetime:
        self._ahead.discard(key)
        recorded = self._journal.find(key)
        if recorded is not None and recorded.done:
            return datetime.fromisoformat(recorded.value["finished"])
        started_at, now = self.started(key), self._engine.clock.now()
        self._journal.note(key, {"started": started_at.isoformat(), "finished": now.isoformat()})
        return now

    async def evaluate(self, program: str, inputs: str) -> str:
        return await self._engine.evaluator.run(program, inputs)

    async def wait(self, key: str, seconds: float) -> None:
        step = f"{key}//timer"
        recorded = self._journal.find(step)
        if recorded is not None:
            until = datetime.fromisoformat(recorded.value["until"])
        else:
            until = self._engine.clock.now() + timedelta(seconds=seconds)
            self._journal.note(step, {"until": until.isoformat()}, done=False)
        await self._engine.sleep_until(until)

    async def request(self, key: str, request: HttpRequest, watch: WatchAttempts) -> HttpResponse:
        return await self._requests.run(key, request, watch)

    async def ask(self, key: str, request: AgentRequest, watch: WatchChild) -> AgentResponse:
        return await self._agents.run(key, request, watch)

    async def breathe(self) -> None:
        self._breaths += 1
        if self._breaths % BREATH == 0:
            await self._journal.flush()
