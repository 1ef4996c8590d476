"""A recording in the place of a model, of MCP servers, and of tools whose answers were recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.tools import ToolDefinition

from stigmer_tui.agents.models.choice import SCRIPTED
from stigmer_tui.agents.scripts.player import current_run
from stigmer_tui.agents.scripts.recordings import Playback
from stigmer_tui.agents.tools.shell import CommandFailed
from stigmer_tui.agents.tools.tool import ANY_ARGUMENTS, AgentTool, Tools, by_name, current_call
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.recording import RecordedTool, misfit


def recorded_model(playback: Playback) -> FunctionModel:
    """A model that plays a recorded run of an agent, and fails with what has changed where it is asked otherwise.

    The next turn follows from the messages, so that any run can be resumed.
    """

    async def play(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        playback.check(info.instructions or "", [tool.name for tool in info.function_tools])
        number = sum(isinstance(message, ModelResponse) for message in current_run(messages))
        turn = playback.turn(number)
        if turn.say or not turn.calls:
            yield turn.say
        for index, call in enumerate(turn.calls):
            call_id = f"call-{number}-{index}"
            playback.expect(call_id, call)
            yield {index: DeltaToolCall(call.tool, json.dumps(dict(call.arguments)), tool_call_id=call_id)}

    profile = ModelProfile(supports_json_schema_output=True)
    return FunctionModel(stream_function=play, model_name=SCRIPTED.model, profile=profile)


def recorded_tool(tool: AgentTool, playback: Playback) -> AgentTool:
    """Gives the answers that were recorded; calls without one are made."""

    async def carry_out(arguments: dict[str, Any]) -> Any:
        call = playback.call(current_call())
        if call is None:
            return await tool.carry_out(arguments)
        if call.error and call.answer:
            raise CommandFailed(call.error, call.answer)
        if call.error:
            raise StigmerError(call.error)
        return call.answer

    return replace(tool, carry_out=carry_out)


def server_tools(playback: Playback) -> Tools:
    """The tools of MCP servers as they were then; the servers are not started."""
    return by_name(*map(_server_tool, playback.recorded.server_tools))


def _server_tool(tool: RecordedTool) -> AgentTool:
    async def refuse(arguments: dict[str, Any]) -> Any:
        raise misfit(f"it has no answer of {tool.name}, whose server is not started in a test")

    definition = ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters), sequential=True
    )
    return AgentTool(definition, ANY_ARGUMENTS, refuse)
