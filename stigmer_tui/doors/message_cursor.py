"""What an agent has said since one looked last: its messages grow at the end only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import Message


class Growth(NamedTuple):
    message: Message
    text: str
    """What is new of it; may be empty."""
    is_beginning: bool


class MessageCursor:
    """Of the messages of the agent itself, without those of its sub-agents."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._index = 0
        """Of the message that may still grow."""
        self._told = 0
        """Characters of it."""

    def new(self) -> Iterator[Growth]:
        """That message, and all after it."""
        messages = self._execution.messages()
        for index in range(self._index, len(messages)):
            if index > self._index:
                self._index, self._told = index, 0
            message, told = messages[index], self._told
            self._told = len(message.text)
            yield Growth(message, message.text[told:], not told)
