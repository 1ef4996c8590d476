"""AGENT_CALL: ask an agent, and wait for its answer (`docs/compatibility.md` 68, 69, 95)."""

from __future__ import annotations

import re
from typing import Any

from stigmer_tui.core.units import duration_text
from stigmer_tui.definition.task_kinds import AgentTask
from stigmer_tui.definition.templates import text_of
from stigmer_tui.workflow.failures import AGENT, VALIDATION, TaskFailure
from stigmer_tui.workflow.json_text import read_json_object
from stigmer_tui.workflow.port import ChildEnd, ChildKind, ChildRequest, ChildResult
from stigmer_tui.workflow.task_run import Outcome, TaskRun

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
