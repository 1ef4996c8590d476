"""The turns of the model in a run: from the journal as long as there are any, so that a resumed run continues where it
was, with the same transcript; then from the model.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, UserPromptPart
from pydantic_ai.settings import ModelSettings

from stigmer_tui.agents.asking import ModelAsker, ParametersFor, Question
from stigmer_tui.agents.journal import ModelTurn
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.repetition import Repetition, repetition
from stigmer_tui.agents.responses import from_record, to_record
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.run_compaction import RunCompaction
from stigmer_tui.agents.stream_recorder import StreamRecorder
from stigmer_tui.core.errors import StigmerError


@dataclass(frozen=True, slots=True)
class Turn:
    response: ModelResponse
    choice: ModelChoice
    """Who has given it."""
    ended_at: str
    """RFC 3339."""


class Turns:
    """Of one run. Each response streams into the transcript, and is given when it is complete.

    While a turn becomes durable, its calls are made. The journal keeps the order of what it is told, so one that must
    not be repeated begins after it.
    """

    def __init__(self, run: AgentRun, asker: ModelAsker, compaction: RunCompaction | None = None) -> None:
        """Without a compaction, the model gets everything, however long the run is."""
        self._run = run
        self._compaction = compaction
        self._asker = asker
        self._recorder = StreamRecorder(run)
        self._number = -1
        self._repetition: Repetition | None = None
        self._recording: asyncio.Future[None] | None = None
        """Done when the latest turn is durable."""

    async def next(self, messages: list[ModelMessage], settings: ModelSettings, parameters: ParametersFor) -> Turn:
        """The next turn. Raises StigmerError if the model fails."""
        # No model is asked on what may be lost.
        await self._settle()
        self._number += 1
        turn = self._run.record.turn(self._number)
        conversation = messages
        if self._compaction is not None:
            messages = await self._compaction.compacted(messages, self._number, may_ask=turn is None)
        asked_at = turn.asked_at if turn is not None else self._run.now()
        repeated = self._watch_for_repetition(conversation, asked_at)
        call_id = f"turn/{self._number}"
        if turn is not None:
            choice = self._asker.choice_of(turn.provider, turn.model)
            response = from_record(turn.response)
            self._recorder.replay(response, choice, asked_at, turn.spoke_at)
        else:
            self._run.spending.check(self._run.agent, self._number)
            messages, settings = _advised(messages, settings, repeated)
            answer = await self._asker.ask(Question(call_id, messages, settings, parameters, asked_at, conversation))
            response, choice = answer.response, answer.choice
            record = to_record(response, self._run.lease.redactor)
            turn = ModelTurn(asked_at, answer.spoke_at, self._run.now(), record, choice.provider.name, choice.model)
            self._recording = self._run.record.end_turn(self._number, turn)
            answer.keep()
        self._run.note_call(self._run.spending.call(call_id, choice, response, turn.asked_at, turn.ended_at))
        self._recorder.conclude(response, choice, turn.ended_at)
        if response.tool_calls and repeated is not None and repeated.must_conclude:
            raise StigmerError(f"{self._run.agent} did not finish: {repeated.note}")
        return Turn(response, choice, turn.ended_at)

    @asynccontextmanager
    async def settled(self) -> AsyncIterator[None]:
        """After the block, all turns are durable, unless it was cancelled."""
        try:
            yield
        except asyncio.CancelledError:
            # A write may have to wait until a disk has room; the end of the run does not.
            if self._recording is not None:
                self._recording.cancel()
            raise
        except Exception:
            await self._settle()
            raise
        await self._settle()

    async def _settle(self) -> None:
        if self._recording is not None:
            await self._recording

    def _watch_for_repetition(self, messages: Sequence[ModelMessage], at: str) -> Repetition | None:
        before, self._repetition = self._repetition, repetition(messages)
        if self._repetition is not None and (before is None or before.must_conclude != self._repetition.must_conclude):
            self._run.transcript.note(self._repetition.note, at)
        return self._repetition


def _advised(
    messages: list[ModelMessage], settings: ModelSettings, repeated: Repetition | None
) -> tuple[list[ModelMessage], ModelSettings]:
    """The request to a model that repeats itself: with a warning, and in the end without permission to call tools."""
    latest = messages[-1]
    if repeated is None or not isinstance(latest, ModelRequest):
        return messages, settings
    warned = replace(latest, parts=[*latest.parts, UserPromptPart(repeated.advice)])
    if repeated.must_conclude:
        settings = {**settings, "tool_choice": "none"}
    return [*messages[:-1], warned], settings
