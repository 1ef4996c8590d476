"""The tool calls of a run: each is made once it is approved, and once only, however many runners work on the run.

A call from before an interruption has its outcome in the journal; one that was under way then is not made again, unless
that is safe. See `docs/compatibility.md` 72.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Literal

from pydantic_ai.messages import ToolCallPart, ToolReturnPart
from pydantic_core import ValidationError

from stigmer_tui.agents.approvals import Approvals, changed_arguments, denial
from stigmer_tui.agents.journal import CallDecision, CallOutcome
from stigmer_tui.agents.live_output import received_output
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.texts import problems_text, well_formed
from stigmer_tui.agents.tools.shell import CommandFailed
from stigmer_tui.agents.tools.tool import AgentTool, Tools
from stigmer_tui.core.agent_tools import WRITE_TODOS
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.support import REPEATABLE
from stigmer_tui.runners.lease import StopReason

GRACE = 2.5
"""Seconds to wait for a running call when the runner must end."""
INTERRUPTED = (
    "The program was stopped while this call was under way, so it may or may not have taken effect, wholly or in part. "
    "Look before you make it again."
)

logger = logging.getLogger(__name__)


class Calls:
    """Of one run. The model sees errors as failures of the call, and the run goes on."""

    def __init__(self, run: AgentRun, approvals: Approvals) -> None:
        self._run = run
        self._approvals = approvals

    async def make(self, calls: Sequence[ToolCallPart], tools: Tools, at: str) -> list[ToolReturnPart]:
        """Makes the calls of a turn that ended at this time (RFC 3339). Returns what the model is
        told, in their order.
        """

        def is_sequential(call: ToolCallPart) -> bool:
            return call.tool_name not in tools or tools[call.tool_name].definition.sequential

        told: list[ToolReturnPart] = []
        for is_alone, group in groupby(calls, key=is_sequential):
            if is_alone:
                told += [await self._answer(call, tools, at) for call in group]
            else:
                told += await _together([self._answer(call, tools, at) for call in group])
        return told

    async def _answer(self, call: ToolCallPart, tools: Tools, at: str) -> ToolReturnPart:
        tool = tools.get(call.tool_name)
        if tool is None:
            known = ", ".join(sorted(tools)) or "none"
            return self._refuse(call, f"There is no tool {call.tool_name!r}. The tools: {known}", at)
        try:
            arguments = tool.arguments(call.args)
        except ValidationError as error:
            return self._refuse(call, problems_text(error.errors()), at)
        note = ""
        decision = await self._approvals.decision(call.tool_call_id, call.tool_name)
        if decision is not None and not decision.is_allowed:
            await self._fail(call, decision, denial(decision))
        elif decision is not None and decision.arguments is not None:
            arguments, note = await self._changed(call, tool, arguments, decision)
        outcome = await self._outcome(call, tool, arguments)
        if outcome.error and not outcome.result:
            return _told(call, _noted(note, outcome.error), outcome="failed")
        return _told(call, _noted(note, outcome.result))

    def _refuse(self, call: ToolCallPart, reason: str, at: str) -> ToolReturnPart:
        """A call that cannot be made, because of its name or its arguments."""
        self._run.transcript.fail_call(call.tool_call_id, reason, at)
        return _told(call, reason, outcome="failed")

    async def _changed(
        self, call: ToolCallPart, tool: AgentTool, arguments: dict[str, Any], decision: CallDecision
    ) -> tuple[dict[str, Any], str]:
        """The arguments that a person has given the call, and what the model is told of it."""
        transcript = self._run.transcript
        arguments = changed_arguments(arguments, transcript.arguments(call.tool_call_id), decision)
        transcript.replace_arguments(call.tool_call_id, arguments)
        shown = json.dumps(transcript.arguments(call.tool_call_id), ensure_ascii=False)
        note = f"A person has changed the arguments of this call to {shown}"
        try:
            return tool.arguments(arguments), note
        except ValidationError as error:
            misfit = f"{note}, which do not fit the tool: {problems_text(error.errors())}"
            await self._fail(call, decision, misfit)
            return arguments, ""

    async def _fail(self, call: ToolCallPart, decision: CallDecision, error: str) -> None:
        """Gives the call an outcome in the journal, so that it is not made."""
        record = self._run.record
        if record.call_end(call.tool_call_id) is None:
            await record.end_call(call.tool_call_id, CallOutcome(decision.at, decision.at, error=error))

    async def _outcome(self, call: ToolCallPart, tool: AgentTool, arguments: dict[str, Any]) -> CallOutcome:
        """From the journal, or else of the tool. It is in the transcript, too."""
        call_id, transcript = call.tool_call_id, self._run.transcript
        end = self._run.record.call_end(call_id)
        if end is None:
            end = await self._made(call, tool, arguments)
        else:
            transcript.start_call(call_id, end.started_at)
        if end.error:
            transcript.fail_call(call_id, end.error, end.ended_at, end.result)
        else:
            transcript.complete_call(call_id, end.result, end.ended_at)
            if call.tool_name == WRITE_TODOS:
                transcript.write_todos(arguments["todos"], end.ended_at)
        return end

    async def _made(self, call: ToolCallPart, tool: AgentTool, arguments: dict[str, Any]) -> CallOutcome:
        """Makes the call in a task of its own, so that a runner that must end can still wait for it."""
        work = asyncio.create_task(self._make(call, tool, arguments))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if self._run.lease.ending is StopReason.DRAINING:
                await asyncio.wait([work], timeout=GRACE)
            work.cancel()
            await asyncio.wait([work])
            raise

    async def _make(self, call: ToolCallPart, tool: AgentTool, arguments: dict[str, Any]) -> CallOutcome:
        record, transcript, call_id = self._run.record, self._run.transcript, call.tool_call_id
        interrupted_at = record.call_start(call_id)
        started_at = interrupted_at or self._run.now()
        transcript.start_call(call_id, started_at)
        if interrupted_at:
            result, error = "", INTERRUPTED
        else:
            if call.tool_name not in REPEATABLE:
                await record.start_call(call_id, started_at)
            with received_output(self._run.lease.redactor, partial(transcript.add_output, call_id)):
                result, error = await self._result(call, tool, arguments)
        end = CallOutcome(started_at, self._run.now(), result, error)
        if call.tool_name in REPEATABLE:
            record.note_call(call_id, end)
        else:
            await record.end_call(call_id, end)
        return end

    async def _result(self, call: ToolCallPart, tool: AgentTool, arguments: dict[str, Any]) -> tuple[str, str]:
        """Result and error, without secrets. Only a failed command has both."""
        result, error = "", ""
        try:
            data = await tool.call(call.tool_call_id, arguments)
            result = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        except CommandFailed as failure:
            result, error = failure.output, failure.message
        except StigmerError as refusal:
            error = refusal.message
        except Exception as unexpected:
            logger.warning("the tool %s failed: %s", call.tool_name, self._run.redacted_trace())
            error = f"{type(unexpected).__name__}: {unexpected}"
        redactor = self._run.lease.redactor
        # Tools shorten their output, perhaps in the middle of a secret.
        return redactor.cut_text(well_formed(result)), redactor.cut_text(well_formed(error))


def _told(call: ToolCallPart, text: str, outcome: Literal["success", "failed"] = "success") -> ToolReturnPart:
    return ToolReturnPart(call.tool_name, text, call.tool_call_id, outcome=outcome)


def _noted(note: str, text: str) -> str:
    return f"{note}.\n{text}" if note else text


async def _together(work: Sequence[Coroutine[Any, Any, ToolReturnPart]]) -> list[ToolReturnPart]:
    """At the same time. The first that fails ends the others."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
