"""Detects a model that repeats the same tool call (`docs/compatibility.md` 74)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart

WARN_AFTER = 3
"""Equal calls in a row after which the model is warned."""
CONCLUDE_AFTER = 5
"""Equal calls in a row after which the model may not call tools any more."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """A tool call that a model has repeated."""

    tool: str
    count: int
    """Equal calls in a row."""

    @property
    def must_conclude(self) -> bool:
        """Whether the model may not call tools any more."""
        return self.count >= CONCLUDE_AFTER

    @property
    def advice(self) -> str:
        """The warning to the model."""
        opening = f"You have called {self.tool} {self.count} times in a row with the same arguments."
        if self.must_conclude:
            return f"{opening} You cannot call anything more. Answer with what you know now."
        return f"{opening} Doing it again brings nothing new: do something else, or answer with what you know."

    @property
    def note(self) -> str:
        """The note in the transcript."""
        reaction = "the agent was asked to come to an end" if self.must_conclude else "the agent was warned"
        return f"{self.tool} was called {self.count} times in a row with the same arguments; {reaction}."


def repetition(messages: Sequence[ModelMessage]) -> Repetition | None:
    """The repetition at the end of a conversation, if there are `WARN_AFTER` equal calls or more."""
    calls = _latest_calls(messages)
    latest = next(calls, None)
    if latest is None:
        return None
    count = 1 + sum(1 for _ in takewhile(lambda call: call == latest, calls))
    return Repetition(latest[0], count) if count >= WARN_AFTER else None


def _latest_calls(messages: Sequence[ModelMessage]) -> Iterator[tuple[str, str]]:
    """Tool and arguments of the calls since the last response without any, the latest first."""
    for message in reversed(messages):
        if isinstance(message, ModelResponse):
            calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
            if not calls:
                return
            yield from ((call.tool_name, call.args_as_json_str()) for call in reversed(calls))
