"""FOR: the same tasks for each item, one after the other, each iteration in a scope of its own."""

from __future__ import annotations

from typing import Any

from stigmer_tui.definition.task_kinds import ForTask
from stigmer_tui.definition.tasks import END
from stigmer_tui.definition.templates import text_of
from stigmer_tui.workflow.display import excerpt
from stigmer_tui.workflow.failures import VALIDATION, TaskFailure
from stigmer_tui.workflow.limits import MAX_STEPS, check_iterations
from stigmer_tui.workflow.task_run import Outcome, TaskRun

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
