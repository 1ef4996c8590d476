"""Compaction within a run: when results of calls fill the window of the model, a summary takes the place of the older.

It is made between two turns and journaled, so that the next runner makes the same request. The transcript keeps
everything; only the model is told less.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic_ai.exceptions import AgentRunError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from stigmer_tui.agents.asking import ModelAsker
from stigmer_tui.agents.compaction import REQUEST, asked_summary, history_limit, shortened_piece, taken_summary
from stigmer_tui.agents.conversation import BYTES_PER_TOKEN
from stigmer_tui.agents.journal import RunSummaryStep
from stigmer_tui.agents.models.failures import explained
from stigmer_tui.agents.responses import arguments_of
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.spending import LimitReachedError
from stigmer_tui.agents.summaries import first_turns
from stigmer_tui.core.errors import StigmerError

ROOM = 4 / 3
"""What a whole request may take, as a share of what the history may take at the beginning of a run."""

HEADING = "Summary of what you have done so far for this, in place of your earlier calls and their results:"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """In the place of the messages of a run from its first turn on."""

    text: str
    until: int
    """Index of the first message that stays."""


class RunCompaction:
    """Of one run of an agent."""

    def __init__(self, run: AgentRun, asker: ModelAsker) -> None:
        self._run = run
        self._asker = asker
        self._limit = int(history_limit(run, asker) * ROOM)
        self._begin = 0
        """Index of the first message after that of the person."""
        self._tokens: list[int] = []
        """Of each message, by estimate."""
        self._summary: RunSummary | None = None

    async def compacted(self, messages: list[ModelMessage], number: int, may_ask: bool) -> list[ModelMessage]:
        """The messages of a turn as the model gets them; it is only asked for a summary if the turn is a new one.

        Raises LimitReachedError.
        """
        self._begin = self._begin or len(messages)
        self._tokens += map(estimated_tokens, messages[len(self._tokens) :])
        step = self._run.record.run_summary(number)
        if step is not None:
            self._take(step, number)
        elif may_ask and (until := self._place_for_summary()):
            try:
                step = await self._summarize(messages, until, number)
                self._take(step, number)
            except LimitReachedError:
                raise
            except (StigmerError, AgentRunError) as error:
                self._leave_out(until, error)
        return self._shown(messages)

    def _place_for_summary(self) -> int:
        """Up to where a summary is needed; 0 if none is. What stays begins with a response of the model."""
        kept_from = self._summary.until if self._summary else self._begin
        of_summary = len(self._summary.text.encode()) // BYTES_PER_TOKEN if self._summary else 0
        if sum(self._tokens[: self._begin]) + of_summary + sum(self._tokens[kept_from:]) <= self._limit:
            return 0
        # Responses and their results take turns. The newest two are what the model is about to answer.
        until = len(self._tokens) - 2
        while until - 2 >= kept_from and sum(self._tokens[until - 2 :]) <= self._limit // 2:
            until -= 2
        return until if until > kept_from else 0

    async def _summarize(self, messages: Sequence[ModelMessage], until: int, number: int) -> RunSummaryStep:
        """Raises StigmerError or AgentRunError if the model makes none."""
        request = self._request(messages, until)
        turn, answer = await asked_summary(self._run, self._asker, _call_id(number), number, request)
        step = RunSummaryStep(turn, until)
        answer.keep()
        await self._run.record.end_run_summary(number, step)
        return step

    def _take(self, step: RunSummaryStep, number: int) -> None:
        text = taken_summary(self._run, self._asker, _call_id(number), step.turn)
        self._summary = RunSummary(text, step.until)
        turns = (step.until - self._begin) // 2
        self._run.transcript.note_run_summary(text, turns, step.turn.ended_at)

    def _leave_out(self, until: int, error: StigmerError | AgentRunError) -> None:
        run = self._run
        if isinstance(error, AgentRunError):
            error = StigmerError(explained(error, self._asker.choice, run.lease.redactor))
        turns = first_turns((until - self._begin) // 2)
        run.transcript.note(
            f"What was done so far could not be summarized: {error.message.rstrip('.')}. The model does not get"
            f" {turns} of this run.",
            run.now(),
        )
        self._summary = RunSummary(f"({turns.capitalize()} of this run left out, for want of room.)", until)

    def _shown(self, messages: list[ModelMessage]) -> list[ModelMessage]:
        if self._summary is None:
            return messages
        begin = self._begin - 1
        return [*messages[:begin], _with(messages[begin], self._summary.text), *messages[self._summary.until :]]

    def _request(self, messages: Sequence[ModelMessage], until: int) -> list[ModelMessage]:
        told = [f"Summary of what was before:\n{self._summary.text}"] if self._summary else []
        begin = self._summary.until if self._summary else self._begin
        told += [line for message in messages[self._begin - 1 : self._begin] for line in _told(message)]
        told += [line for message in messages[begin:until] for line in _told(message)]
        text = "\n\n".join(told)[: BYTES_PER_TOKEN * self._limit]
        return [ModelRequest([SystemPromptPart(REQUEST), UserPromptPart(text)])]


def _with(asked: ModelMessage, summary: str) -> ModelMessage:
    """The message of the person with the summary behind it, in one part: some models take no two of them in a row."""
    told = f"{HEADING}\n\n{summary}"
    if not isinstance(asked, ModelRequest):
        return asked
    parts = list(asked.parts)
    match parts[-1]:
        case UserPromptPart(content=str(text)) as part:
            parts[-1] = replace(part, content=f"{text}\n\n{told}")
        case UserPromptPart(content=content) as part:
            parts[-1] = replace(part, content=[*content, told])
        case _:
            parts.append(UserPromptPart(told))
    return replace(asked, parts=parts)


def _call_id(number: int) -> str:
    return f"summary/turn/{number}"


def estimated_tokens(message: ModelMessage) -> int:
    """Of all that is in a message of the framework."""
    return sum(len(text.encode()) for text in _texts(message)) // BYTES_PER_TOKEN


def _texts(message: ModelMessage) -> Iterator[str]:
    for part in message.parts:
        match part:
            case ToolCallPart():
                yield json.dumps(arguments_of(part), ensure_ascii=False)
            case ToolReturnPart():
                yield part.model_response_str()
            case _ if isinstance(content := getattr(part, "content", None), str):
                yield content


def _told(message: ModelMessage) -> Iterator[str]:
    """What was said and done in it, as texts."""
    speaker = "Agent" if isinstance(message, ModelResponse) else "Person"
    for part in message.parts:
        match part:
            case TextPart(content=str(text)) | UserPromptPart(content=str(text)) if text:
                yield f"{speaker}: {shortened_piece(text)}"
            case ToolCallPart():
                arguments = json.dumps(arguments_of(part), ensure_ascii=False)
                yield f"The agent calls {part.tool_name} {shortened_piece(arguments)}"
            case ToolReturnPart():
                yield f"{part.tool_name} answers: {shortened_piece(part.model_response_str())}"
