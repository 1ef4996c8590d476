"""Tools with a memory: a call that has ended is not made again, one that was interrupted only if it has no effects."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from typing import Any

from pydantic_ai import RunContext, ToolFailed
from pydantic_ai.toolsets import ToolsetTool, WrapperToolset

from stigmer_tui.agents.record import CallOutcome
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.texts import well_formed
from stigmer_tui.agents.tools.shell import CommandFailed
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.agents import READ_ONLY
from stigmer_tui.runners.lease import StopReason

logger = logging.getLogger(__name__)

GRACE = 2.5
"""Seconds that a call has to end when the runner must."""
INTERRUPTED = (
    "The program was stopped while this call was under way, so it may or may not have taken effect, wholly or in part. "
    "Look before you make it again."
)


@dataclass
class DurableToolset(WrapperToolset[None]):
    """Errors go back to the model as failures of the call, and the run goes on (`docs/compatibility.md` 72)."""

    run: AgentRun

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> str:
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
        if end.error and not end.result:
            raise ToolFailed(end.error)
        return end.result

    async def _make(
        self, call_id: str, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> CallOutcome:
        """Carries the call out in a task of its own, so that a runner that must end can still wait for it."""

        async def carry_out() -> CallOutcome:
            record = self.run.record
            interrupted_at = record.call_start(call_id)
            started_at = interrupted_at or self.run.now()
            self.run.transcript.start_call(call_id, started_at)
            if interrupted_at:
                result, error = "", INTERRUPTED
            else:
                if name not in READ_ONLY:
                    await record.start_call(call_id, started_at)
                result, error = await self._outcome(name, tool_args, ctx, tool)
            end = CallOutcome(started_at, self.run.now(), result, error)
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
        """Result and error, without secrets; both only of a command that failed."""
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
        # Tools leave out what is too much, perhaps in the middle of a secret.
        return redactor.cut_text(well_formed(result)), redactor.cut_text(well_formed(error))
