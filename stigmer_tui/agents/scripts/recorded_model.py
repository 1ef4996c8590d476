"""A recording in the place of a model, of MCP servers, and of tools whose answers were recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from pydantic_ai import RunContext, Tool
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.toolsets import FunctionToolset, ToolsetTool, WrapperToolset

from stigmer_tui.agents.models.choice import SCRIPTED
from stigmer_tui.agents.scripts.player import current_run
from stigmer_tui.agents.scripts.recordings import Playback
from stigmer_tui.agents.tools.shell import CommandFailed
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.recording import misfit


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


@dataclass
class RecordedToolset(WrapperToolset[None]):
    """Answers the calls whose answers were recorded; the others are made."""

    playback: Playback

    async def call_tool(
        self, name: str, tool_args: dict[str, Any], ctx: RunContext[None], tool: ToolsetTool[None]
    ) -> Any:
        call = self.playback.call(ctx.tool_call_id or "")
        if call is None:
            return await super().call_tool(name, tool_args, ctx, tool)
        if call.error and call.answer:
            raise CommandFailed(call.error, call.answer)
        if call.error:
            raise StigmerError(call.error)
        return call.answer


def server_tools(playback: Playback) -> list[FunctionToolset[None]]:
    """The tools of MCP servers as they were then; the servers are not started."""
    toolset = FunctionToolset[None]()
    for tool in playback.recorded.server_tools:

        async def refuse(*, _name: str = tool.name, **arguments: Any) -> str:
            raise misfit(f"it has no answer of {_name}, whose server is not started in a test")

        toolset.add_tool(Tool.from_schema(refuse, tool.name, tool.description, dict(tool.parameters)))
    return [toolset] if playback.recorded.server_tools else []
