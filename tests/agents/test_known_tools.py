"""Tools are converted for a model once, and each request has those that it asks for."""

from __future__ import annotations

from dataclasses import replace

from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.tools import ToolDefinition
from pytest import MonkeyPatch

from stigmer_tui.agents.models import known_tools
from stigmer_tui.agents.models.known_tools import KnownTools, convert_tools_once


class Converter(FunctionModel):
    """Notes what it converts."""

    def __init__(self) -> None:
        super().__init__(stream_function=lambda messages, info: None)  # type: ignore[arg-type,return-value]
        self.converted: list[str] = []

    def customize_request_parameters(self, model_request_parameters: ModelRequestParameters) -> ModelRequestParameters:
        tools = model_request_parameters.function_tools
        self.converted += [tool.name for tool in tools]
        return replace(
            model_request_parameters, function_tools=[replace(tool, description="converted") for tool in tools]
        )


def of(*tools: ToolDefinition) -> ModelRequestParameters:
    return ModelRequestParameters(function_tools=list(tools))


def names(parameters: ModelRequestParameters) -> list[tuple[str, str | None]]:
    return [(tool.name, tool.description) for tool in parameters.function_tools]


def test_a_tool_is_converted_once() -> None:
    model, a, b = Converter(), ToolDefinition(name="a"), ToolDefinition(name="b")
    convert_tools_once(model)
    assert names(model.customize_request_parameters(of(a))) == [("a", "converted")]
    assert names(model.customize_request_parameters(of(b, a))) == [("b", "converted"), ("a", "converted")]
    assert names(model.customize_request_parameters(of(b))) == [("b", "converted")]
    assert model.converted == ["a", "b"]


def test_a_model_does_not_remember_tools_for_ever(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(known_tools, "MAX_KNOWN", 1)
    model = Converter()
    known = KnownTools(model)
    tools = [ToolDefinition(name=name) for name in "abc"]
    for tool in (*tools, tools[0]):
        assert names(known.converted(of(tool))) == [(tool.name, "converted")]
    assert model.converted == ["a", "b", "c", "a"]
