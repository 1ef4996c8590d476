"""Typed answers: an agent with a schema ends with JSON that fits it, checked here, with one turn to repair it."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from pydantic_ai import Agent, ModelRetry, NativeOutput, StructuredDict, ToolOutput
from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models import Model

from stigmer_tui.agents.models.choice import ModelChoice

FINAL_ANSWER = "final_answer"
"""The tool by which a model answers that cannot be held to a schema."""
REPAIRS = 1
"""Turns to repair an answer that does not fit."""


def output_type(schema: dict[str, Any] | None, model: Model, choice: ModelChoice) -> Any:
    """What the framework asks of the model: text, or data by its own means where it has any, else by a final tool."""
    if schema is None:
        return str
    data = StructuredDict(schema, name=FINAL_ANSWER)
    # Whatever speaks the API of a gateway's provider need not know this part of it.
    is_imitation = choice.provider.is_gateway and bool(choice.base_url)
    if model.profile.get("supports_json_schema_output") and not is_imitation:
        return NativeOutput(data)
    return ToolOutput(data, name=FINAL_ANSWER, description="Gives your answer, once it is complete.")


def check_output(agent: Agent[None, Any], schema: dict[str, Any] | None) -> None:
    """Lets the agent's answers be checked; one that does not fit is sent back with the reason."""
    if schema is None:
        return
    validator = Draft202012Validator(schema)

    @agent.output_validator
    def check(output: dict[str, Any]) -> dict[str, Any]:
        if problem := best_match(validator.iter_errors(output)):
            raise ModelRetry(f"Your answer does not fit the schema: {_described(problem)}. Answer again.")
        return output


def _described(problem: ValidationError) -> str:
    where = ".".join(map(str, problem.absolute_path))
    return f"{where}: {problem.message}" if where else str(problem.message)


def is_final_answer(call: ToolCallPart) -> bool:
    """Whether a call is an answer, and no use of a tool."""
    return call.tool_name == FINAL_ANSWER


def final_answer(response: ModelResponse) -> str:
    """The answer that a response gives by the final tool, as JSON; empty if it gives none."""
    answers = (call for call in response.tool_calls if is_final_answer(call))
    return next((json.dumps(call.args_as_dict(), ensure_ascii=False) for call in answers), "")
