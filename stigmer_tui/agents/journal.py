"""What an execution has done, in the journal: the turns of the model, and the tool calls. No secret is in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from stigmer_tui.runners.journal import ExecutionJournal


@dataclass(frozen=True, slots=True)
class ModelTurn:
    """What a model answered, with its times (RFC 3339)."""

    asked_at: str
    spoke_at: str
    """When its text began; empty when it said nothing."""
    ended_at: str
    response: Any
    """The framework's message as JSON data."""


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """How a tool call ended: with a result, with an error, or with both, as a command that reports a failure does."""

    started_at: str
    ended_at: str
    result: str = ""
    error: str = ""


class AgentJournal:
    """Turns are numbered from 0, calls have the ids that they have in the transcript."""

    def __init__(self, journal: ExecutionJournal) -> None:
        self._journal = journal

    def turn(self, number: int) -> ModelTurn | None:
        step = self._journal.find(f"turn/{number}")
        return ModelTurn(**step.value) if step is not None else None

    async def end_turn(self, number: int, turn: ModelTurn) -> None:
        """Returns when it is durable."""
        await self._journal.complete(f"turn/{number}", asdict(turn))

    def call_start(self, call_id: str) -> str:
        """When a call began of which nobody knows how it ended; empty for any other."""
        step = self._journal.find(f"call/{call_id}")
        return str(step.value) if step is not None and not step.done else ""

    async def start_call(self, call_id: str, at: str) -> None:
        """Returns when it is durable: what the call does must not be done again."""
        await self._journal.begin(f"call/{call_id}", at)

    def call_end(self, call_id: str) -> CallOutcome | None:
        step = self._journal.find(f"call/{call_id}")
        return CallOutcome(**step.value) if step is not None and step.done else None

    async def end_call(self, call_id: str, end: CallOutcome) -> None:
        """Returns when it is durable."""
        await self._journal.complete(f"call/{call_id}", asdict(end))
