"""SET, WAIT, SWITCH and FOR: values, time, and which tasks come next (`docs/compatibility.md` 83–88)."""

from __future__ import annotations

from typing import Any

from stigmer_tui.core.units import duration_text
from stigmer_tui.definition.task_kinds import ForTask, SetTask, SwitchCase, SwitchTask, WaitTask
from stigmer_tui.definition.tasks import END
from stigmer_tui.definition.templates import Template, text_of
from stigmer_tui.workflow.display import excerpt
from stigmer_tui.workflow.failures import CONDITION, VALIDATION, TaskFailure
from stigmer_tui.workflow.limits import MAX_STEPS, check_iterations
from stigmer_tui.workflow.task_run import Outcome, TaskRun


async def run_set(task: SetTask, run: TaskRun) -> Outcome:
    run.show(input={name: template.source for name, template in task.variables.items()})
    values = await run.evaluate(task.variables)
    return Outcome(values, data=values)


async def run_wait(task: WaitTask, run: TaskRun) -> Outcome:
    run.show(input={"seconds": task.seconds}, detail=duration_text(task.seconds))
    await run.engine.timer(f"{run.place.key}//timer", task.seconds)
    return Outcome()


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


_COUNT = f'if type == "number" and . >= 0 and . <= {MAX_STEPS} and floor == . then . else null end'
"""Of a secret value, which is not known here. A count that can be carried out can be seen; any other stays a secret."""


async def run_loop(task: ForTask, run: TaskRun) -> Outcome:
    run.show(input={"in": task.items.source})
    items = await run.evaluate(task.items)
    secrets = run.state.inputs.secrets
    # A count may be a secret; what a list is made of stays one.
    is_secret = isinstance(items, str) and secrets.are_in(items)
    pairs = _pairs(await run.disclose(items, _COUNT) if is_secret else items)
    if pairs is None:
        found = excerpt(text_of(secrets.hide(items)))
        raise TaskFailure(VALIDATION, f"{found} is not iterable: a list, an object or a count is needed")
    outputs: list[Any] = []
    for number, (index, item) in enumerate(pairs):
        run.show(detail=f"{number + 1} of {len(pairs)}")
        scope = run.state.for_item(task.each, item, index)
        try:
            ends = await run.run_tasks(task.body.tasks, scope, run.place.iteration(number))
        except TaskFailure as failure:
            failure.iteration = f"index {index}"
            raise
        if ends:
            return Outcome(scope.output, then=END)
        outputs.append(scope.output)
    if not pairs:
        run.show(detail="no items")
    return Outcome(dict(zip(items, outputs, strict=True)) if isinstance(items, dict) else outputs)


def _pairs(items: Any) -> list[tuple[Any, Any]] | None:
    """Index and item of each iteration, where there are any; the keys of an object are its indexes."""
    match items:
        case list():
            return list(enumerate(items))
        case dict():
            return list(items.items())
        case bool():
            return None
        case int() | float() if items >= 0 and items % 1 == 0:
            check_iterations(items)
            return [(number, number) for number in range(int(items))]
        case _:
            return None
