"""Notices a model that makes the same call over and over (`docs/compatibility.md` 74)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart

WARN_AFTER = 3
"""Equal calls in a row after which the model is told."""
CONCLUDE_AFTER = 5
"""Equal calls in a row after which it may call nothing more."""


@dataclass(frozen=True, slots=True)
class Repetition:
    tool: str
    count: int

    @property
    def must_conclude(self) -> bool:
        return self.count >= CONCLUDE_AFTER

    @property
    def advice(self) -> str:
        """For the model."""
        said = f"You have called {self.tool} {self.count} times in a row with the same arguments."
        if self.must_conclude:
            return f"{said} You cannot call anything more. Answer with what you know now."
        return f"{said} Doing it again brings nothing new: do something else, or answer with what you know."

    @property
    def note(self) -> str:
        """For people."""
        told = "to come to an end" if self.must_conclude else "so"
        return f"{self.tool} was called {self.count} times in a row with the same arguments; the agent was told {told}."


def repetition(messages: Sequence[ModelMessage]) -> Repetition | None:
    """What is repeated at the end of a conversation, from `WARN_AFTER` on."""
    calls = list(_latest_calls(messages))
    count = sum(1 for _ in takewhile(lambda call: call == calls[0], calls))
    return Repetition(calls[0][0], count) if count >= WARN_AFTER else None


def _latest_calls(messages: Sequence[ModelMessage]) -> Iterator[tuple[str, str]]:
    """Tool and arguments of the calls since the model last did without, the latest first."""
    for message in reversed(messages):
        if isinstance(message, ModelResponse):
            calls = [part for part in message.parts if isinstance(part, ToolCallPart)]
            if not calls:
                return
            yield from ((call.tool_name, call.args_as_json_str()) for call in reversed(calls))
