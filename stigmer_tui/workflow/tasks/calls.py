"""HTTP_CALL and AGENT_CALL: calls of others, and what comes of them (`docs/compatibility.md` 54–69, 90, 95)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from stigmer_tui.core.trace_context import task_part, traceparent
from stigmer_tui.core.units import duration_text, size_text
from stigmer_tui.definition.task_kinds import AgentTask, HttpTask
from stigmer_tui.definition.templates import text_of
from stigmer_tui.workflow.display import fits
from stigmer_tui.workflow.failures import AGENT, LIMIT, VALIDATION, TaskFailure
from stigmer_tui.workflow.json_text import MAX_LEVELS, read_json_object
from stigmer_tui.workflow.limits import MAX_BODY
from stigmer_tui.workflow.port import ActivityPolicy, ChildEnd, ChildKind, ChildRequest, ChildResult, HttpRequest
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
        traceparent=traceparent(run.state.inputs.execution_id, task_part(run.place.path)),
    )
    if not fits(request.body, MAX_BODY, MAX_LEVELS):
        raise TaskFailure(LIMIT, f"the body is larger than {size_text(MAX_BODY)}, or has more than {MAX_LEVELS} levels")
    run.show(input=_shown(request), detail=request.title)

    def on_attempt(attempt: int, pause: str) -> None:
        run.show(attempt=attempt, detail=f"{request.title}  {pause}" if pause else request.title)

    response, attempts = await send(run.engine, run.place.key, request, run.state.inputs.secrets, on_attempt)
    run.show(attempt=attempts, detail=f"{request.title}  {response.status}  {size_text(response.size)}")
    if not isinstance(response.data, dict):
        # A report wraps what is no object; what plays the answer again must know.
        run.show(wrapped=True)
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


_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)


async def run_agent_call(task: AgentTask, run: TaskRun) -> Outcome:
    run.show(detail=task.agent)
    arguments = await run.evaluate({"message": task.message, "environment": task.environment})
    run.show(input={"agent": task.agent, **arguments})
    if arguments["message"] in (None, ""):
        raise TaskFailure(VALIDATION, "the message to the agent is empty")
    request = ChildRequest(
        ChildKind.AGENT,
        task.agent,
        text_of(arguments["message"]),
        # A variable without a value is one that is not there.
        environment={
            name: text_of(value) for name, value in arguments["environment"].items() if value not in (None, "")
        },
        model=task.model,
        timeout=task.timeout,
        temperature=task.temperature,
    )
    result = await run.engine.child(run.place.key, request, lambda child: run.show(child=child))
    if problem := _problem(result, request):
        raise TaskFailure(AGENT, f"the agent {request.name} {problem}")
    output = output_of(result)
    return Outcome(output, data={task.name: output})


def output_of(result: ChildResult) -> dict[str, Any]:
    """The answer as text, and the fields of an answer that is a JSON object, also in a Markdown fence."""
    fenced = _FENCED.fullmatch(result.text)
    fields = read_json_object(fenced[1] if fenced else result.text)
    return fields | {"response": result.text, "content": result.text, "agent_execution_id": result.execution_id}


def _problem(result: ChildResult, request: ChildRequest) -> str:
    """Why there is no answer; empty when there is one."""
    match result.end:
        case ChildEnd.COMPLETED:
            return ""
        case ChildEnd.CANCELLED:
            return "was cancelled"
        case ChildEnd.TIMED_OUT:
            return f"gave no answer within {duration_text(request.timeout)}"
        case ChildEnd.NOT_STARTED:
            return f"cannot be started: {result.error}"
        case ChildEnd.LOST:
            return f"cannot be followed: {result.error}"
        case ChildEnd.FAILED:
            return f"failed: {result.error or 'it did not say why'}"
