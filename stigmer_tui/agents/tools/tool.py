"""A tool of an agent: what the model is told of it, and what makes its calls."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from pydantic_ai import Tool
from pydantic_ai.tools import ToolDefinition
from pydantic_core import SchemaValidator, core_schema

CarryOut = Callable[[dict[str, Any]], Awaitable[Any]]
"""Makes a call with these arguments: what it gives back is for the model. Raises StigmerError if it fails."""

ANY_ARGUMENTS = SchemaValidator(core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()))
"""For a tool whose arguments are checked elsewhere."""

_call_id: ContextVar[str] = ContextVar("stigmer_tui.agents.tools.tool", default="")


def current_call() -> str:
    """The id of the call that is being made."""
    return _call_id.get()


@dataclass(frozen=True, slots=True)
class AgentTool:
    definition: ToolDefinition
    """Calls of a sequential one are made one after another, in the order of the model: one may depend on the one
    before.
    """
    validator: SchemaValidator
    carry_out: CarryOut

    def arguments(self, written: str | Mapping[str, Any] | None) -> dict[str, Any]:
        """The arguments of a call, checked. Raises ValidationError."""
        if isinstance(written, Mapping):
            return dict(self.validator.validate_python(written))
        return dict(self.validator.validate_json(written or "{}"))

    async def call(self, call_id: str, arguments: dict[str, Any]) -> Any:
        """Makes a call, in a task of its own."""
        _call_id.set(call_id)
        return await self.carry_out(arguments)


Tools = Mapping[str, AgentTool]
"""By the names that the model knows them by."""


def by_name(*tools: AgentTool) -> Tools:
    return {tool.definition.name: tool for tool in tools}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the signature and the docstring of a method say."""

    definition: ToolDefinition
    validator: SchemaValidator


_readings: dict[object, _Reading] = {}
"""Of each method once, whatever object it is bound to."""


def method_tool(
    function: Callable[..., Awaitable[Any]], *, name: str = "", description: str = "", sequential: bool = True
) -> AgentTool:
    """The tool that a bound method is, or a function that wraps one."""
    method = inspect.unwrap(function).__func__
    if method not in _readings:
        tool = Tool[None](function, name=name or None, sequential=sequential)
        _readings[method] = _Reading(tool.tool_def, tool.function_schema.validator)
    read = _readings[method]
    definition = replace(read.definition, description=description) if description else read.definition

    async def carry_out(arguments: dict[str, Any]) -> Any:
        return await function(**arguments)

    return AgentTool(definition, read.validator, carry_out)
