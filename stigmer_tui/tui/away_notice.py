"""Tells a person who looks elsewhere that a run which took long has ended."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from stigmer_tui.core.local_notification import LocalNotification, NotifyBy, WriteToTerminal, desktop_command, tell
from stigmer_tui.core.units import duration_text
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState

LONG = 10.0
"""Seconds. A person waits for less."""


async def tell_of_end(
    execution: Execution, by: NotifyBy, environment: Mapping[str, str], terminal: WriteToTerminal
) -> None:
    notice = end_notice(execution)
    if notice and not _tells_itself(execution, notice, by, environment):
        await tell(notice, by, environment, terminal)


def end_notice(execution: Execution) -> LocalNotification | None:
    """None of what was short, or was ended by the person."""
    start, end = execution.started_at, execution.completed_at
    if not start or not end or execution.state is RunState.CANCELLED or (end - start).total_seconds() < LONG:
        return None
    took = f"after {duration_text((end - start).total_seconds())}"
    body = f"{took}: {execution.error}" if execution.error else took
    title = f"{execution.resource} — {execution.state.upper()}"
    return LocalNotification(title, body, is_urgent=execution.state is RunState.FAILED)


def _tells_itself(
    execution: Execution, notice: LocalNotification, by: NotifyBy, environment: Mapping[str, str]
) -> bool:
    """A run of a task is a process of its own, which tells the desktop, and has no terminal."""
    is_by_desktop = by in (NotifyBy.AUTO, NotifyBy.DESKTOP)
    return (
        execution.kind is ResourceKind.TASK
        and is_by_desktop
        and bool(desktop_command(notice, environment, sys.platform))
    )
