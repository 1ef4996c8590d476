"""WAIT: let time pass."""

from __future__ import annotations

from stigmer_tui.core.units import duration_text
from stigmer_tui.definition.task_kinds import WaitTask
from stigmer_tui.workflow.task_run import Outcome, TaskRun


async def run_wait(task: WaitTask, run: TaskRun) -> Outcome:
    run.show(input={"seconds": task.seconds}, detail=duration_text(task.seconds))
    await run.engine.timer(f"{run.place.key}//timer", task.seconds)
    return Outcome()
