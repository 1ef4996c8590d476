"""The journal of an agent execution: turns of the model and tool calls, without secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from stigmer_tui.core.clock import parse_timestamp
from stigmer_tui.runners.journal import ExecutionJournal


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """A response of the model, with its times (RFC 3339)."""

    asked_at: str
    spoke_at: str
    """When its text began; empty if it has none."""
    ended_at: str
    response: Any
    """The framework's message, as JSON data."""
    provider: str = ""
    """Who has given it; empty in the journal of an earlier build, where it was the model of the run."""
    model: str = ""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a tool call ended: with a result, an error, or both, as a failed command does."""

    started_at: str
    ended_at: str
    result: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class CallDecision:
    """What a person has decided on a tool call that waited for approval."""

    at: str
    is_allowed: bool
    arguments: dict[str, Any] | None = None
    """What the person has made of the arguments; None if they stay."""
    is_for_run: bool = False
    """Whether later calls of the same tool in this run need no approval."""
    reason: str = ""
    """Why the call was denied, for the model."""


@dataclass(frozen=True, slots=True)
class SummaryStep:
    """A summary of the older part of the conversation, by the ids and numbers of what it is about."""

    turn: ModelTurn
    until: str
    executions: int
    messages: int


@dataclass(frozen=True, slots=True)
class RunSummaryStep:
    """A summary of the first turns of the run itself."""

    turn: ModelTurn
    until: int
    """Index of the first message of the framework that it is not about."""


WAIT, SPENT = "wait/", "spent/"

Spent = dict[str, tuple[int, float]]
"""Tokens and US dollars of calls of models, by their ids."""


class AgentJournal:
    """Turns by number, from 0, and calls by their ids in the transcript."""

    def __init__(self, journal: ExecutionJournal) -> None:
        self._journal = journal

    def turn(self, number: int) -> ModelTurn | None:
        """A turn that has ended, or None."""
        step = self._journal.find(f"turn/{number}")
        return ModelTurn(**step.value) if step is not None else None

    def end_turn(self, number: int, turn: ModelTurn) -> asyncio.Future[None]:
        """Records a turn, before all that is recorded after this call. Done when it is durable."""
        return self._journal.complete(f"turn/{number}", _fields(turn))

    async def flush(self) -> None:
        """Returns when all that was recorded is durable."""
        await self._journal.flush()

    def summary(self, number: int) -> SummaryStep | None:
        """One of the summaries that the run began with, each of which contains those before it."""
        step = self._journal.find(f"summary/{number}")
        return SummaryStep(**{**step.value, "turn": ModelTurn(**step.value["turn"])}) if step is not None else None

    async def end_summary(self, number: int, step: SummaryStep) -> None:
        """Records a summary. Returns when it is durable."""
        await self._journal.complete(f"summary/{number}", asdict(step))

    def run_summary(self, number: int) -> RunSummaryStep | None:
        """The summary that was made before a turn, or None."""
        step = self._journal.find(f"run-summary/{number}")
        return RunSummaryStep(ModelTurn(**step.value["turn"]), step.value["until"]) if step is not None else None

    async def end_run_summary(self, number: int, step: RunSummaryStep) -> None:
        """Records it. Returns when it is durable."""
        await self._journal.complete(f"run-summary/{number}", asdict(step))

    def call_start(self, call_id: str) -> str:
        """When a call began that was interrupted, so that its outcome is unknown; empty for any other."""
        step = self._journal.find(f"call/{call_id}")
        return str(step.value) if step is not None and not step.done else ""

    async def start_call(self, call_id: str, at: str) -> None:
        """Records that a call begins, so that it is never repeated. Returns when that is durable."""
        await self._journal.begin(f"call/{call_id}", at)

    def call_end(self, call_id: str) -> CallOutcome | None:
        """The outcome of a call that has ended, or None."""
        step = self._journal.find(f"call/{call_id}")
        return CallOutcome(**step.value) if step is not None and step.done else None

    async def end_call(self, call_id: str, end: CallOutcome) -> None:
        """Records the outcome of a call. Returns when it is durable."""
        await self._journal.complete(f"call/{call_id}", asdict(end))

    def note_call(self, call_id: str, end: CallOutcome) -> None:
        """Records the outcome of a call that can be made again: it is durable with whatever is recorded next."""
        self._journal.note(f"call/{call_id}", asdict(end))

    def decision(self, call_id: str) -> CallDecision | None:
        """The decision on a call, or None."""
        step = self._journal.find(f"approval/{call_id}")
        return CallDecision(**step.value) if step is not None else None

    async def end_decision(self, call_id: str, decision: CallDecision) -> None:
        """Records the decision on a call. Returns when it is durable."""
        await self._journal.complete(f"approval/{call_id}", asdict(decision))

    def is_allowed(self, tool: str) -> bool:
        """Whether a person has allowed a tool for the rest of the run."""
        return self._journal.find(f"allowed/{tool}") is not None

    async def allow(self, tool: str) -> None:
        """Records that a person has. Returns when it is durable."""
        await self._journal.complete(f"allowed/{tool}")

    def wait_start(self, call: str) -> str:
        """Since when a call waits for a decision; empty if it does not."""
        step = self._journal.find(f"{WAIT}{call}")
        return str(step.value[0]) if step is not None else ""

    async def start_wait(self, call: str, at: str) -> None:
        """Records since when a call waits for a decision. Returns when it is durable."""
        await self._journal.begin(f"{WAIT}{call}", [at])

    async def end_wait(self, call: str, began_at: str, at: str) -> None:
        """Records that the wait is over. Returns when it is durable."""
        await self._journal.complete(f"{WAIT}{call}", [began_at, at])

    def waits(self) -> Iterator[tuple[str, datetime, datetime | None]]:
        """The calls that have waited for decisions, from when to when; None for a wait that is not over."""
        for name, step in self._journal:
            if name.startswith(WAIT) and (began := parse_timestamp(step.value[0])):
                yield name.removeprefix(WAIT), began, parse_timestamp(step.value[1]) if step.done else None

    async def end_spending(self, execution_id: str, calls: Spent) -> None:
        """Records what a sub-agent has spent, whose own journal ends. Returns when it is durable."""
        await self._journal.complete(f"{SPENT}{execution_id}", calls)

    def spending(self) -> Iterator[tuple[str, Spent]]:
        """What sub-agents that have ended have spent, by their executions."""
        for name, step in self._journal:
            if name.startswith(SPENT):
                yield name.removeprefix(SPENT), step.value


def _fields(turn: ModelTurn) -> dict[str, Any]:
    """Without a copy of the response, which nobody changes."""
    return {field.name: getattr(turn, field.name) for field in fields(turn)}
