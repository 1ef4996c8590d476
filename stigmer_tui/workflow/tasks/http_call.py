"""HTTP_CALL: one request, repeated when the other side is at fault (`docs/compatibility.md` 54–62, 90)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from stigmer_tui.core.units import size_text
from stigmer_tui.definition.task_kinds import HttpTask
from stigmer_tui.definition.templates import text_of
from stigmer_tui.workflow.display import fits
from stigmer_tui.workflow.failures import LIMIT, VALIDATION, TaskFailure
from stigmer_tui.workflow.json_text import MAX_LEVELS
from stigmer_tui.workflow.limits import MAX_BODY
from stigmer_tui.workflow.port import ActivityPolicy, HttpRequest
from stigmer_tui.workflow.retries import send
from stigmer_tui.workflow.task_run import Outcome, TaskRun


async def run_http_call(task: HttpTask, run: TaskRun) -> Outcome:
    arguments = await run.evaluate({"uri": task.uri, "headers": task.headers, "body": task.body})
    headers = {name: _header(name, value) for name, value in arguments["headers"].items()}
    request = HttpRequest(
        method=task.method,
        uri=text_of(arguments["uri"]),
        headers=headers,
        body=arguments["body"],
        timeout=task.timeout,
        idempotency_key=_idempotency_key(task, run, headers),
    )
    if not fits(request.body, MAX_BODY, MAX_LEVELS):
        raise TaskFailure(LIMIT, f"the body is larger than {size_text(MAX_BODY)}, or has more than {MAX_LEVELS} levels")
    run.show(input=_shown(request), detail=request.title)

    def on_attempt(attempt: int, pause: str) -> None:
        run.show(attempt=attempt, detail=f"{request.title}  {pause}" if pause else request.title)

    response, attempts = await send(run.engine, run.place.key, request, run.state.inputs.secrets, on_attempt)
    run.show(attempt=attempts, detail=f"{request.title}  {response.status}  {size_text(response.size)}")
    return Outcome(response.data, data={task.name: response.data})


def _header(name: str, value: Any) -> str:
    if value is None:
        raise TaskFailure(VALIDATION, f"the header {name} has no value: its expression gives null")
    return text_of(value)


def _idempotency_key(task: HttpTask, run: TaskRun, headers: dict[str, str]) -> str:
    """Lets the other side tell a repetition from a new request, where the workflow does not see to that itself."""
    if HttpRequest(task.method, "").policy is not ActivityPolicy.ONCE or "idempotency-key" in map(str.lower, headers):
        return ""
    return quote(f"{run.state.inputs.execution_id}{run.place.key}")


def _shown(request: HttpRequest) -> dict[str, Any]:
    shown = {"method": request.method, "uri": request.uri, "headers": dict(request.headers), "body": request.body}
    return {name: value for name, value in shown.items() if value not in (None, {})}
