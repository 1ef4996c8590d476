"""One task, and what each agent made of it last: their runs, and what they are compared by."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.units import count_text, duration_text
from stigmer_tui.workbench.changed_files import CHANGES, changes_text
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, Run
from stigmer_tui.workbench.state import WorkbenchState

if TYPE_CHECKING:
    from stigmer_tui.workbench.session import LiveParts, Session


@dataclass(slots=True)
class ComparedRun:
    run: Run
    execution: Execution | None = None
    """None until it is read."""
    refusal: str = ""
    """Why it could not be read."""

    @property
    def name(self) -> str:
        """Of a task, the agent that works on it."""
        return self.run.message if self.run.kind is ResourceKind.TASK else self.run.resource

    def facts(self, now: datetime) -> tuple[str, ...]:
        """Time, tokens, cost, and what was committed, as far as they are known."""
        execution = self.execution
        if execution is None:
            return ()
        usage, end = execution.usage, execution.completed_at or now
        took = duration_text((end - execution.started_at).total_seconds()) if execution.started_at else ""
        tokens = usage.input_tokens + usage.output_tokens
        cost = usage.cost
        found = (
            took,
            f"{count_text(tokens)} tokens" if usage.is_counted else "",
            f"${cost:.4f}" if usage.is_counted and cost is not None else "",
            _committed(execution) if execution.kind is ResourceKind.TASK else "",
        )
        return tuple(filter(None, found))


def runs_side_by_side(state: WorkbenchState) -> tuple[Run, ...]:
    """The newest run of each agent on the task that is shown, in the order of their starts.

    Empty where there are no two.
    """
    shown = state.shown
    if shown is None or shown.execution.kind is not ResourceKind.TASK:
        return ()
    newest: dict[str, Run] = {}
    for run in state.runs:
        if run.kind is ResourceKind.TASK and run.resource == shown.execution.resource:
            newest.setdefault(run.message, run)
    return tuple(reversed(newest.values())) if len(newest) > 1 else ()


class SideBySideIntents:
    def __init__(self, session: Session) -> None:
        self._session = session

    def compared(self) -> tuple[ComparedRun, ...]:
        return tuple(map(ComparedRun, runs_side_by_side(self._session.state)))

    def follow(self, compared: Sequence[ComparedRun], changed: Callable[[], None]) -> None:
        """Until all have ended."""

        async def work(live: LiveParts) -> None:
            async with asyncio.TaskGroup() as group:
                for each in compared:
                    group.create_task(follow_one(live, each))

        async def follow_one(live: LiveParts, each: ComparedRun) -> None:
            try:
                each.execution = await live.runs.open_beside(each.run)
                changed()
                await live.runs.follow_beside(each.execution, changed)
            except StigmerError as error:
                each.refusal = error.message
            changed()

        self._session.intend(work)


def _committed(execution: Execution) -> str:
    call = execution.find((execution.id, CHANGES))
    if call is None:
        return "nothing committed" if execution.state.is_final else ""
    return changes_text(call)
