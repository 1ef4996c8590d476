"""Plays a script in place of a model. Everything else, from the stream to the tools, is real."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import (
    AgentInfo,
    DeltaThinkingCalls,
    DeltaThinkingPart,
    DeltaToolCall,
    DeltaToolCalls,
    FunctionModel,
)
from pydantic_ai.profiles import ModelProfile

from stigmer_tui.agents.attached_files import prompt_text
from stigmer_tui.agents.conversation import HEADING
from stigmer_tui.agents.models.choice import SCRIPTED
from stigmer_tui.core import agent_tools
from stigmer_tui.definition.script import PLACEHOLDER, Answers, Script, ScriptTurn

THE_END = ScriptTurn("This is the end of the script.", (), 0, 0)
"""Played when the script has no more turns."""

_WORD = re.compile(r"\s*\S+\s*")
_BLOCK = re.compile(r".{1,4000}\S*\s*", re.DOTALL)
"""Text without a delay comes in large pieces, because each piece has a cost that grows with the text."""
_REASONING = -1
"""The place of the reasoning in a response: none of its calls has it."""
_LINE_NUMBER = re.compile(r"^ *\d+\t", re.MULTILINE)
_EXIT_CODE = re.compile(rf"\n?{re.escape(agent_tools.EXIT_CODE)}\d+\]\Z")


def script_model(script: Script, number: int = 0) -> FunctionModel:
    """A model that plays the script for a message, by its number in the conversation, from 0.

    The next turn follows from the messages, so that any run can be resumed.
    """
    answers = script.answers(number)

    async def play(
        messages: list[ModelMessage], info: AgentInfo
    ) -> AsyncIterator[str | DeltaToolCalls | DeltaThinkingCalls]:
        run = current_run(messages)
        values = {"previous": _previous(messages, run), **_values(run)}
        gap = ""
        for turn in _due(answers, run, may_call=(info.model_settings or {}).get("tool_choice") != "none"):
            await asyncio.sleep(turn.pause)
            text = fill_placeholders(turn.say, values).strip()
            if not text and not turn.calls:
                text = THE_END.say
            pieces = _WORD if turn.delay else _BLOCK
            for piece in pieces.findall(fill_placeholders(turn.think, values).strip()):
                yield {_REASONING: DeltaThinkingPart(content=piece)}
                await asyncio.sleep(turn.delay)
            for piece in pieces.findall(gap + text):
                yield piece
                gap = "\n\n"
                await asyncio.sleep(turn.delay)
            for index, call in enumerate(turn.calls):
                arguments = json.dumps(fill_placeholders(call.arguments, values))
                yield {index: DeltaToolCall(call.tool, arguments, tool_call_id=f"call-{len(run)}-{index}")}

    # What a script says is the answer, also where it is to be typed.
    profile = ModelProfile(supports_json_schema_output=True)
    return FunctionModel(stream_function=play, model_name=SCRIPTED.model, profile=profile)


def fill_placeholders(value: Any, values: Mapping[str, str]) -> Any:
    """A text, or data with texts in it, with values in place of the placeholders."""
    match value:
        case str():
            return PLACEHOLDER.sub(lambda name: values.get(name[1], ""), value)
        case dict():
            return {key: fill_placeholders(item, values) for key, item in value.items()}
        case list():
            return [fill_placeholders(item, values) for item in value]
        case _:
            return value


def _due(answers: Answers, run: Sequence[ModelMessage], may_call: bool) -> Sequence[ScriptTurn]:
    """The next turns. If the model may not call tools any more, the last turn of the script without its calls."""
    number = sum(isinstance(message, ModelResponse) for message in run)
    if not may_call:
        last = answers[-1][-1]
        return (ScriptTurn(last.say or THE_END.say, (), last.pause, last.delay),)
    return answers[number] if number < len(answers) else (THE_END,)


def current_run(messages: Sequence[ModelMessage]) -> Sequence[ModelMessage]:
    """The messages since the last one of the person."""
    start = max(index for index, message in enumerate(messages) if _is_from_person(message))
    return messages[start:]


def _previous(messages: Sequence[ModelMessage], run: Sequence[ModelMessage]) -> str:
    """What the person said last before this run; empty where nothing was said."""
    before = messages[: len(messages) - len(run)]
    said = (part for message in reversed(before) if _is_from_person(message) for part in message.parts)
    texts = (prompt_text(part) for part in said if isinstance(part, UserPromptPart))
    return next((text for text in texts if not text.startswith(HEADING)), "")


def _is_from_person(message: ModelMessage) -> bool:
    """What the runner says to the model, with results of calls or in place of an answer, has the id of the run."""
    if not isinstance(message, ModelRequest) or message.run_id is not None:
        return False
    return any(isinstance(part, UserPromptPart) for part in message.parts)


def _values(run: Sequence[ModelMessage]) -> dict[str, str]:
    """The values of placeholders, by name."""
    values: dict[str, str] = {}
    for number, message in enumerate(run):
        for part in message.parts:
            match part:
                case UserPromptPart():
                    values.setdefault("message", prompt_text(part))
                case ToolReturnPart(tool_name=tool) if number:
                    values[tool] = values["result"] = _without_decoration(part)
    return values


def _without_decoration(part: ToolReturnPart) -> str:
    result = part.model_response_str(wrap_if_error=False)
    match part.tool_name:
        case "read_file":
            return _LINE_NUMBER.sub("", result)
        case agent_tools.EXECUTE:
            return _EXIT_CODE.sub("", result)
        case _:
            return result
