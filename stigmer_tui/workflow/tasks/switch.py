"""SWITCH: go on at the first case that holds, else at the default, wherever that is listed.

See `docs/compatibility.md` 28.
"""

from __future__ import annotations

from stigmer_tui.definition.task_kinds import SwitchCase, SwitchTask
from stigmer_tui.definition.templates import Template, text_of
from stigmer_tui.workflow.display import excerpt
from stigmer_tui.workflow.failures import CONDITION, TaskFailure
from stigmer_tui.workflow.task_run import Outcome, TaskRun

_TRUTH = 'if type == "string" then ascii_downcase == "true" or . == "1" elif type == "boolean" then . else null end'
"""Of a secret value, which is not known here."""


async def run_switch(task: SwitchTask, run: TaskRun) -> Outcome:
    run.show(input={case.name: case.when.source if case.when else "otherwise" for case in task.cases})
    case = await _choose(task, run)
    if case is None:
        run.show(detail="no case holds")
        return Outcome()
    run.show(detail=f"{case.name} → {case.then}")
    return Outcome(then=case.then)


async def _choose(task: SwitchTask, run: TaskRun) -> SwitchCase | None:
    for case in task.cases:
        if case.when is not None and await _holds(case.name, case.when, run):
            return case
    return next((case for case in task.cases if case.when is None), None)


async def _holds(name: str, condition: Template, run: TaskRun) -> bool:
    """Truth is a boolean, or one of two texts (`docs/compatibility.md` 87)."""
    secrets = run.state.inputs.secrets
    value = await run.evaluate(condition)
    match value:
        case str() as text if secrets.are_in(text):
            truth = await run.disclose(text, _TRUTH)
        case str() as text:
            truth = text.lower() == "true" or text == "1"
        case _:
            truth = value
    match truth:
        case bool():
            return truth
        case _:
            found = excerpt(text_of(secrets.hide(value)))
            raise TaskFailure(CONDITION, f"the condition of the case {name} must be true or false, not {found}")
