"""AGENT_CALL: ask an agent, and wait for its answer (`docs/compatibility.md` 68, 69, 95)."""

from __future__ import annotations

import re
from typing import Any

from stigmer_tui.definition.task_kinds import AgentTask
from stigmer_tui.definition.templates import text_of
from stigmer_tui.workflow.context import AgentRequest, AgentResponse
from stigmer_tui.workflow.failures import VALIDATION, TaskFailure
from stigmer_tui.workflow.json_text import read_json_object
from stigmer_tui.workflow.task_run import Outcome, TaskRun

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL)


async def run_agent_call(task: AgentTask, run: TaskRun) -> Outcome:
    run.show(detail=task.agent)
    arguments = await run.evaluate({"message": task.message, "environment": task.environment})
    run.show(input={"agent": task.agent, **arguments})
    if arguments["message"] in (None, ""):
        raise TaskFailure(VALIDATION, "the message to the agent is empty")
    request = AgentRequest(
        agent=task.agent,
        message=text_of(arguments["message"]),
        # A variable without a value is one that is not there.
        environment={
            name: text_of(value) for name, value in arguments["environment"].items() if value not in (None, "")
        },
        model=task.model,
        timeout=task.timeout,
        temperature=task.temperature,
    )
    answer = await run.context.ask(run.place.key, request, lambda child: run.show(child=child))
    output = output_of(answer)
    return Outcome(output, data={task.name: output})


def output_of(answer: AgentResponse) -> dict[str, Any]:
    """The answer as text, and the fields of an answer that is a JSON object, also in a Markdown fence."""
    fenced = _FENCED.fullmatch(answer.text)
    fields = read_json_object(fenced[1] if fenced else answer.text)
    return fields | {"response": answer.text, "content": answer.text, "agent_execution_id": answer.execution_id}
