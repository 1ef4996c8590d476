"""Tools made of methods. What the framework reads of a method, its signature and its docstring, it reads once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic_ai import Tool

_schemas: dict[object, Any] = {}
"""What the framework has read of each method, whatever object it was bound to."""


def function_tool(
    function: Callable[..., Any], *, name: str = "", description: str = "", sequential: bool = True
) -> Tool[None]:
    """The tool that a bound method is, or a function that wraps one.

    Calls of a sequential one run one after another, in the order of the model: one may depend on the one before.
    """
    method = inspect.unwrap(function).__func__
    if method not in _schemas:
        _schemas[method] = replace(Tool(function).function_schema, function=method)
    return Tool(
        function,
        name=name or None,
        description=description or None,
        sequential=sequential,
        function_schema=replace(_schemas[method], function=function),
    )
