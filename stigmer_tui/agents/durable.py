"""A durable model and toolset: responses and calls from before an interruption come from the journal.

A resumed run goes through the framework's loop from its beginning. Its turns and the results of its calls come from
the journal as long as there are any, so that it continues where it was, with the same transcript.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic_ai import RunContext, ToolFailed
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.toolsets import ToolsetTool, WrapperToolset

from stigmer_tui.agents.asking import BuildModel, ModelAsker, Question
from stigmer_tui.agents.journal import CallOutcome, ModelTurn
from stigmer_tui.agents.live_output import received_output
from stigmer_tui.agents.models.choice import ModelPlan
from stigmer_tui.agents.repetition import Repetition, repetition
from stigmer_tui.agents.responses import from_record, to_record
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.run_compaction import RunCompaction
from stigmer_tui.agents.stream_recorder import StreamRecorder
from stigmer_tui.agents.texts import problems_text, well_formed
from stigmer_tui.agents.tools.shell import CommandFailed
from stigmer_tui.core.agent_tools import WRITE_TODOS
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.support import REPEATABLE
from stigmer_tui.runners.lease import StopReason

logger = logging.getLogger(__name__)


class DurableModel(WrapperModel):
    """Streams each response into the transcript, and returns it when it is complete and durable."""

    def __init__(
        self, model: Model, plan: ModelPlan, run: AgentRun, build: BuildModel, compaction: RunCompaction | None = None
    ) -> None:
        """Without a compaction, the model gets everything, however long the run is."""
        super().__init__(model)
        self._run = run
        self._compaction = compaction
        self._asker = ModelAsker(model, plan, run, build)
        self._recorder = StreamRecorder(run)
        self._number = -1
        self._ended_at = ""
        """When the previous turn ended."""
        self._repetition: Repetition | None = None

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """The next turn, from the journal or else from the model. Raises StigmerError if the model fails."""
        self._number += 1
        self._fail_refused_calls(messages[-1])
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
            messages, model_settings = _advised(messages, model_settings, repeated)
            answer = await self._asker.ask(
                Question(call_id, messages, model_settings, model_request_parameters, asked_at, conversation)
            )
            response, choice = answer.response, answer.choice
            record = to_record(response, self._run.lease.redactor)
            turn = ModelTurn(asked_at, answer.spoke_at, self._run.now(), record, choice.provider.name, choice.model)
            await asyncio.gather(self._run.record.end_turn(self._number, turn), answer.keep())
        self._run.note_call(self._run.spending.call(call_id, choice, response, turn.asked_at, turn.ended_at))
        self._ended_at = turn.ended_at
        self._recorder.conclude(response, choice, turn.ended_at)
        if response.tool_calls and repeated is not None and repeated.must_conclude:
            raise StigmerError(f"{self._run.agent} did not finish: {repeated.note}")
        return response

    def _fail_refused_calls(self, request: ModelMessage) -> None:
        """Fails the calls that the framework has refused because of their name or arguments."""
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
    """Why a call was refused, for people; the model gets the details as data."""
    if not isinstance(part.content, list):
        return part.model_response_str(wrap_if_error=False)
    return problems_text(part.content)


def _advised(
    messages: list[ModelMessage], settings: ModelSettings | None, repeated: Repetition | None
) -> tuple[list[ModelMessage], ModelSettings | None]:
    """The request to a model that repeats itself: with a warning, and in the end without permission to call tools."""
    latest = messages[-1]
    if repeated is None or not isinstance(latest, ModelRequest):
        return messages, settings
    warned = replace(latest, parts=[*latest.parts, UserPromptPart(repeated.advice)])
    if repeated.must_conclude:
        settings = {**(settings or {}), "tool_choice": "none"}
    return [*messages[:-1], warned], settings


GRACE = 2.5
"""Seconds to wait for a running call when the runner must end."""
INTERRUPTED = (
    "The program was stopped while this call was under way, so it may or may not have taken effect, wholly or in part. "
    "Look before you make it again."
)


@dataclass
class DurableToolset(WrapperToolset[None]):
    """Calls tools durably. The model sees errors as failures of the call, and the run goes on.

    See `docs/compatibility.md` 72.
    """

    run: AgentRun

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> str:
        """The result of a call, from the journal or else from the tool. Raises ToolFailed if it failed."""
        call_id = ctx.tool_call_id or ""
        end = self.run.record.call_end(call_id)
        if end is None:
            end = await self._make(call_id, name, tool_args, ctx, tool)
        else:
            self.run.transcript.start_call(call_id, end.started_at)
        if end.error:
            self.run.transcript.fail_call(call_id, end.error, end.ended_at, end.result)
        else:
            self.run.transcript.complete_call(call_id, end.result, end.ended_at)
            if name == WRITE_TODOS:
                self.run.transcript.write_todos(tool_args["todos"], end.ended_at)
        if end.error and not end.result:
            raise ToolFailed(end.error)
        return end.result

    async def _make(
        self, call_id: str, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> CallOutcome:
        """Makes the call in a task of its own, so that a runner that must end can still wait for it."""

        async def carry_out() -> CallOutcome:
            record = self.run.record
            interrupted_at = record.call_start(call_id)
            started_at = interrupted_at or self.run.now()
            self.run.transcript.start_call(call_id, started_at)
            if interrupted_at:
                result, error = "", INTERRUPTED
            else:
                if name not in REPEATABLE:
                    await record.start_call(call_id, started_at)
                with received_output(self.run.lease.redactor, partial(self.run.transcript.add_output, call_id)):
                    result, error = await self._outcome(name, tool_args, ctx, tool)
            end = CallOutcome(started_at, self.run.now(), result, error)
            if name in REPEATABLE:
                record.note_call(call_id, end)
            else:
                await record.end_call(call_id, end)
            return end

        work = asyncio.create_task(carry_out())
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if self.run.lease.ending is StopReason.DRAINING:
                await asyncio.wait([work], timeout=GRACE)
            work.cancel()
            await asyncio.wait([work])
            raise

    async def _outcome(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> tuple[str, str]:
        """Result and error, without secrets. Only a failed command has both."""
        result, error = "", ""
        try:
            data = await super().call_tool(name, tool_args, ctx, tool)
            result = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        except CommandFailed as failure:
            result, error = failure.output, failure.message
        except StigmerError as refusal:
            error = refusal.message
        except Exception as unexpected:
            logger.warning("the tool %s failed: %s", name, self.run.redacted_trace())
            error = f"{type(unexpected).__name__}: {unexpected}"
        redactor = self.run.lease.redactor
        # Tools shorten their output, perhaps in the middle of a secret.
        return redactor.cut_text(well_formed(result)), redactor.cut_text(well_formed(error))
