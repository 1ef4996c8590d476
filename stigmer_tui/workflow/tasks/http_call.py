"""HTTP_CALL: one request, repeated when the other side is at fault (`docs/compatibility.md` 54–62, 90)."""

from __future__ import annotations

from typing import Any

from stigmer_tui.core.units import size_text
from stigmer_tui.definition.task_kinds import HttpTask
from stigmer_tui.definition.templates import text_of
from stigmer_tui.workflow.context import HttpRequest
from stigmer_tui.workflow.display import fits
from stigmer_tui.workflow.failures import LIMIT, VALIDATION, TaskFailure
from stigmer_tui.workflow.json_text import MAX_LEVELS
from stigmer_tui.workflow.limits import MAX_BODY
from stigmer_tui.workflow.task_run import Outcome, TaskRun


async def run_http_call(task: HttpTask, run: TaskRun) -> Outcome:
    arguments = await run.evaluate({"uri": task.uri, "headers": task.headers, "body": task.body})
    request = HttpRequest(
        method=task.method,
        uri=text_of(arguments["uri"]),
        headers={name: _header(name, value) for name, value in arguments["headers"].items()},
        body=arguments["body"],
        timeout=task.timeout,
    )
    if not fits(request.body, MAX_BODY, MAX_LEVELS):
        raise TaskFailure(LIMIT, f"the body is larger than {size_text(MAX_BODY)}, or has more than {MAX_LEVELS} levels")
    run.show(input=_shown(request), detail=request.title)

    def watch(attempt: int, pause: str) -> None:
        run.show(attempt=attempt, detail=f"{request.title}  {pause}" if pause else request.title)

    answer = await run.context.request(run.place.key, request, watch)
    run.show(attempt=answer.attempt, detail=f"{request.title}  {answer.status}  {size_text(answer.size)}")
    return Outcome(answer.data, data={task.name: answer.data})


def _header(name: str, value: Any) -> str:
    if value is None:
        raise TaskFailure(VALIDATION, f"the header {name} has no value: its expression gives null")
    return text_of(value)


def _shown(request: HttpRequest) -> dict[str, Any]:
    shown = {"method": request.method, "uri": request.uri, "headers": dict(request.headers), "body": request.body}
    return {name: value for name, value in shown.items() if value not in (None, {})}
