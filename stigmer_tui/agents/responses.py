"""Responses of a model: text and calls as they stream, ids of calls, and the form in the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic_ai.messages import (
    ModelMessage,
    ModelMessagesTypeAdapter,
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
)
from pydantic_ai.models import StreamedResponse

from stigmer_tui.agents.texts import well_formed
from stigmer_tui.core.redaction import Redactor

GAP = "\n\n"
"""Between two texts of a response."""


@dataclass(frozen=True, slots=True)
class Reasoning:
    """A piece of what a model thinks before it answers."""

    text: str


Piece = str | Reasoning | ToolCallPart
"""Text, a piece of reasoning, or a call."""


async def stream_pieces(stream: StreamedResponse) -> AsyncIterator[Piece]:
    """The text and the reasoning of a response in pieces, as they stream, and each call when it begins, without its
    arguments.
    """
    texts = _Texts()
    async for event in stream:
        match event:
            case PartStartEvent(part=part):
                pieces = texts.begin(part)
            case PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                pieces = texts.go_on(text)
            case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=str() as thought)) if thought:
                pieces = texts.think(thought)
            case _:
                continue
        for piece in pieces:
            yield piece


def pieces_of(response: ModelResponse) -> Iterator[Piece]:
    """What a complete response consists of, as `stream_pieces` gives it."""
    texts = _Texts()
    for part in response.parts:
        yield from texts.begin(part)


class _Texts:
    """Divides the texts of a response: a gap between two, and reasoning in between makes the next one a message of its
    own. Blank lines before a message, which some servers send before the reasoning, are left out.
    """

    def __init__(self) -> None:
        self._speaks = False
        """Whether there is a message that text is added to."""
        self._held = ""
        """What goes before the next text."""

    def begin(self, part: ModelResponsePart) -> Iterator[Piece]:
        match part:
            case TextPart(content=text):
                self._held = GAP if self._speaks else ""
                yield from self.go_on(text)
            case ThinkingPart(content=thought) if thought:
                yield from self.think(thought)
            case ToolCallPart():
                yield part

    def go_on(self, text: str) -> Iterator[Piece]:
        if not self._speaks and not text.strip():
            self._held += text
        elif text:
            text, self._held = self._held + text, ""
            yield text if self._speaks else text.lstrip("\r\n")
            self._speaks = True

    def think(self, thought: str) -> Iterator[Piece]:
        self._speaks, self._held = False, ""
        yield Reasoning(thought)


def text_of(response: ModelResponse) -> str:
    """All that the model says in a complete response."""
    return GAP.join(part.content for part in response.parts if isinstance(part, TextPart) and part.content)


class CallIds:
    """Ids for the calls of a response, unique in the conversation, because some servers reuse theirs."""

    def __init__(self, messages: Sequence[ModelMessage]) -> None:
        parts = (part for message in messages for part in message.parts)
        self._known = {part.tool_call_id for part in parts if isinstance(part, ToolCallPart)}
        self._given: list[str] = []

    def give(self, call: ToolCallPart) -> str:
        """The id of the next call: its own, or one made from it."""
        call_id = call.tool_call_id
        if call_id in self._known:
            call_id = f"{call_id}-{len(self._known)}"
        self._known.add(call_id)
        self._given.append(call_id)
        return call_id

    def put_into(self, response: ModelResponse) -> ModelResponse:
        """The complete response, with the ids that `give` has returned for its calls, and with well-formed texts."""
        given = iter(self._given)
        parts: list[ModelResponsePart] = []
        for part in response.parts:
            match part:
                case ToolCallPart(args=str() as args):
                    parts.append(replace(part, tool_call_id=next(given, part.tool_call_id), args=well_formed(args)))
                case ToolCallPart():
                    parts.append(replace(part, tool_call_id=next(given, part.tool_call_id)))
                case TextPart(content=content):
                    parts.append(replace(part, content=well_formed(content)))
                case _:
                    parts.append(part)
        return replace(response, parts=parts)


RAW = ""
"""Name of the only argument of a call whose arguments are not a JSON object: the text that the model wrote."""


def arguments_of(call: ToolCallPart) -> dict[str, Any]:
    """The arguments of a call; under `RAW` if they are not a JSON object."""
    try:
        return call.args_as_dict(raise_if_invalid=True)
    except (ValueError, AssertionError):
        return {RAW: call.args}


def framework_arguments(arguments: dict[str, Any]) -> Any:
    """The reverse of `arguments_of`: a mapping or a text, for the framework."""
    return str(arguments[RAW]) if arguments.keys() == {RAW} else arguments


def to_record(response: ModelResponse, redactor: Redactor) -> Any:
    """The form of a response in the journal: JSON without secrets."""
    if redactor:
        response = replace(response, parts=[_redacted(part, redactor) for part in response.parts])
    return ModelMessagesTypeAdapter.dump_python([response], mode="json")[0]


def from_record(data: Any) -> ModelResponse:
    """The response that `to_record` has written."""
    (message,) = ModelMessagesTypeAdapter.validate_python([data])
    return cast(ModelResponse, message)


def _redacted(part: ModelResponsePart, redactor: Redactor) -> ModelResponsePart:
    match part:
        case TextPart() | ThinkingPart():
            return replace(part, content=redactor.text(part.content))
        case ToolCallPart():
            return replace(part, args=framework_arguments(redactor.data(arguments_of(part))))
        case _:
            return part
