"""A model with a memory: what it answered before an interruption is not asked again, but told again, with its times.

A resumed run goes through the framework's loop from its beginning. Its turns and the results of its calls come from
the journal until there are no more, and so it arrives where it was, with the same transcript.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from pydantic_ai.exceptions import ModelAPIError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolReturnPart, UserPromptPart
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings

from stigmer_tui.agents.answers import CallIds, from_record, to_record
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.models.failures import in_short, in_words
from stigmer_tui.agents.models.retries import pause_after
from stigmer_tui.agents.record import ModelTurn
from stigmer_tui.agents.repetition import Repetition, repetition
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.teller import StreamRecorder
from stigmer_tui.core.errors import StigmerError

logger = logging.getLogger(__name__)

MAX_TURNS = 100
"""Answers of the model in one run."""


class DurableModel(WrapperModel):
    """Streams each answer into the transcript; returns it when it is complete and recorded."""

    def __init__(self, model: Model, choice: ModelChoice, run: AgentRun) -> None:
        super().__init__(model)
        self._run = run
        self._choice = choice
        self._teller = StreamRecorder(run, choice)
        self._number = -1
        self._ended_at = ""
        """When the turn before ended."""
        self._repetition: Repetition | None = None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        self._number += 1
        if self._number == MAX_TURNS:
            raise StigmerError(f"{self._run.agent} did not finish within {MAX_TURNS} turns")
        self._fail_refused_calls(messages[-1])
        turn = self._run.record.turn(self._number)
        asked_at = turn.asked_at if turn is not None else self._run.now()
        repeated = self._watch_for_repetition(messages, asked_at)
        if turn is not None:
            response = from_record(turn.response)
            self._teller.tell_again(response, asked_at, turn.spoke_at)
        else:
            messages, model_settings = _advised(messages, model_settings, repeated)
            response, spoke_at = await self._ask(messages, model_settings, model_request_parameters, asked_at)
            turn = ModelTurn(asked_at, spoke_at, self._run.now(), to_record(response, self._run.lease.redactor))
            await self._run.record.end_turn(self._number, turn)
        self._ended_at = turn.ended_at
        self._teller.conclude(response, turn.ended_at)
        if response.tool_calls and repeated is not None and repeated.must_conclude:
            raise StigmerError(f"{self._run.agent} did not finish: {repeated.note}")
        return response

    async def _ask(
        self,
        messages: list[ModelMessage],
        settings: ModelSettings | None,
        parameters: ModelRequestParameters,
        asked_at: str,
    ) -> tuple[ModelResponse, str]:
        """The answer, and when its text began. A model that fails before it has said anything is asked again."""
        self._run.transcript.wait(str(self._choice), asked_at)
        for retries in count():
            try:
                async with self.wrapped.request_stream(messages, settings, parameters) as stream:
                    return await self._teller.tell(stream, CallIds(messages), asked_at)
            except ModelAPIError as error:
                pause = None if self._teller.has_told else pause_after(error, retries)
                if pause is None:
                    raise StigmerError(in_words(error, self._choice, self._run.lease.redactor, retries)) from error
                reason = f"{in_short(error)}, retry in {pause:.0f} s"
            logger.warning("execution %s: %s: %s", self._run.lease.execution_id, self._choice, reason)
            self._run.transcript.wait(str(self._choice), asked_at, reason)
            await self._run.reporter.flush()
            await asyncio.sleep(pause)
        raise AssertionError

    def _fail_refused_calls(self, request: ModelMessage) -> None:
        """Calls that the framework did not pass on to a tool, for their name or arguments were wrong."""
        refused = set(self._run.transcript.open_calls())
        for part in request.parts:
            if isinstance(part, ToolReturnPart) and part.tool_call_id in refused:
                self._run.transcript.fail_call(part.tool_call_id, _refusal(part), self._ended_at)

    def _watch_for_repetition(self, messages: Sequence[ModelMessage], at: str) -> Repetition | None:
        before, self._repetition = self._repetition, repetition(messages)
        if self._repetition is not None and (before is None or before.must_conclude != self._repetition.must_conclude):
            self._run.transcript.note(self._repetition.note, at)
        return self._repetition


def _refusal(part: ToolReturnPart) -> str:
    """For people; the model gets the details as data."""
    if not isinstance(part.content, list):
        return part.model_response_str(wrap_if_error=False)
    return "; ".join(f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in part.content)


def _advised(
    messages: list[ModelMessage], settings: ModelSettings | None, repeated: Repetition | None
) -> tuple[list[ModelMessage], ModelSettings | None]:
    """The request to a model that repeats itself: it is told so, and in the end not allowed any more calls."""
    latest = messages[-1]
    if repeated is None or not isinstance(latest, ModelRequest):
        return messages, settings
    told = replace(latest, parts=[*latest.parts, UserPromptPart(repeated.advice)])
    if repeated.must_conclude:
        settings = {**(settings or {}), "tool_choice": "none"}
    return [*messages[:-1], told], settings
