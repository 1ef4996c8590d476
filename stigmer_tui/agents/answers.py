"""Answers: whether a response is one, and with a schema, whether it fits. One that is not usable is sent back with the
reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from pydantic_ai.exceptions import ContentFilterError, OutputTokenLimitExceeded
from pydantic_ai.messages import (
    ModelRequestPart,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.tools import ToolDefinition

from stigmer_tui.agents.models.choice import ModelChoice

FINAL_ANSWER = "final_answer"
"""The tool by which a model answers that cannot be held to a schema."""
DESCRIPTION = "Gives your answer, once it is complete."
REPAIRS = 1
"""Turns to repair an answer that does not fit."""
EMPTY_ANSWERS = 2
"""Turns that may say nothing, of an agent that answers with text."""

_CUT_SHORT = {"length": OutputTokenLimitExceeded, "content_filter": ContentFilterError}
"""Why a response has nothing usable, by the reason why it has ended. Asking again would bring the same."""


class Answers:
    """Of one agent."""

    def __init__(self, schema: dict[str, Any] | None) -> None:
        self._schema = schema
        self._validator = Draft202012Validator(schema) if schema is not None else None
        self.repairs = EMPTY_ANSWERS if schema is None else REPAIRS
        """Turns to repair an answer."""

    def asked_for(self, tools: Sequence[ToolDefinition], model: Model, choice: ModelChoice) -> ModelRequestParameters:
        """What a model is asked for: an answer, or calls of these tools.

        Data is asked for by the model's own means where it has any, else by a final tool.
        """
        if self._schema is None:
            return ModelRequestParameters(function_tools=list(tools))
        # Whatever speaks the API of a gateway's provider need not know this part of it.
        is_imitation = choice.provider.is_gateway and bool(choice.base_url)
        if model.profile.get("supports_json_schema_output") and not is_imitation:
            output = OutputObjectDefinition(self._schema, name=FINAL_ANSWER)
            return ModelRequestParameters(function_tools=list(tools), output_mode="native", output_object=output)
        final = ToolDefinition(
            name=FINAL_ANSWER, description=DESCRIPTION, parameters_json_schema=self._schema, kind="output"
        )
        return ModelRequestParameters(
            function_tools=list(tools), output_mode="tool", output_tools=[final], allow_text_output=False
        )

    def problem(self, response: ModelResponse) -> str:
        """What is wrong with an answer; empty if nothing is.

        Raises AgentRunError if it was cut short before it had said anything usable.
        """
        final = next(filter(is_final_answer, response.tool_calls), None)
        text = final.args_as_json_str() if final else "".join(_texts(response))
        ending = _CUT_SHORT.get(response.finish_reason or "")
        if not text and ending is not None:
            raise ending(f"The response ended: {response.finish_reason}")
        if not text:
            return "it is empty"
        if self._validator is None:
            return ""
        try:
            data = json.loads(text)
        except ValueError as error:
            if ending is not None:
                raise ending(f"The response ended: {response.finish_reason}") from error
            return f"it is not JSON: {error}"
        problem = best_match(self._validator.iter_errors(data))
        return f"it does not fit the schema: {_described(problem)}" if problem else ""


def _texts(response: ModelResponse) -> Iterator[str]:
    return (part.content for part in response.parts if isinstance(part, TextPart))


def _described(problem: ValidationError) -> str:
    where = ".".join(map(str, problem.absolute_path))
    return f"{where}: {problem.message}" if where else str(problem.message)


def is_final_answer(call: ToolCallPart) -> bool:
    """Whether a call is an answer, and no use of a tool."""
    return call.tool_name == FINAL_ANSWER


def is_answer(response: ModelResponse) -> bool:
    """Whether a response is meant as an answer; else it only uses tools."""
    return not response.tool_calls or any(map(is_final_answer, response.tool_calls))


def sent_back(response: ModelResponse, problem: str) -> Iterator[ModelRequestPart]:
    """What tells the model that its answer cannot be used, and why."""
    told = f"Your answer cannot be used: {problem}. Answer again."
    finals = list(filter(is_final_answer, response.tool_calls))
    for call in finals:
        yield ToolReturnPart(call.tool_name, told, call.tool_call_id, outcome="failed")
    if not finals:
        yield UserPromptPart(told)


def final_answer(response: ModelResponse) -> str:
    """The answer that a response gives by the final tool, as JSON; empty if it gives none."""
    answers = (call for call in response.tool_calls if is_final_answer(call))
    return next((json.dumps(call.args_as_dict(), ensure_ascii=False) for call in answers), "")
