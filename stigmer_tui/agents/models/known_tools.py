"""Tools whose schemas are converted for a model once.

The framework does it for each request, which took an eighth of the time of a model call.
"""

from __future__ import annotations

from dataclasses import replace

from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

MAX_KNOWN = 1000
"""Tools. A run has a dozen, and those of the agent itself are the same in all runs."""


class KnownTools:
    """Of one model."""

    def __init__(self, model: Model) -> None:
        self._convert = model.customize_request_parameters
        self._known: dict[int, tuple[ToolDefinition, ToolDefinition]] = {}
        """By the identity of a tool: itself, which keeps it from being another one's, and what it is converted to."""

    def converted(self, parameters: ModelRequestParameters) -> ModelRequestParameters:
        """What the model makes of them. Raises UserError for a schema that it cannot take."""
        if len(self._known) > MAX_KNOWN:
            self._known.clear()
        tools = parameters.function_tools
        new = [tool for tool in tools if id(tool) not in self._known]
        result = self._convert(replace(parameters, function_tools=new))
        self._known |= {id(tool): (tool, made) for tool, made in zip(new, result.function_tools, strict=True)}
        return replace(result, function_tools=[self._known[id(tool)][1] for tool in tools])


def convert_tools_once(model: Model) -> None:
    """Lets a model do so."""
    vars(model)["customize_request_parameters"] = KnownTools(model).converted
