"""SET: values that later tasks read (`docs/compatibility.md` 83)."""

from __future__ import annotations

from stigmer_tui.definition.task_kinds import SetTask
from stigmer_tui.workflow.task_run import Outcome, TaskRun


async def run_set(task: SetTask, run: TaskRun) -> Outcome:
    run.show(input={name: template.source for name, template in task.variables.items()})
    values = await run.evaluate(task.variables)
    return Outcome(values, data=values)
