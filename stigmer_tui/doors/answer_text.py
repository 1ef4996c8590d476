"""What an agent says in answer to a message, as one text that grows."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from stigmer_tui.doors.message_cursor import MessageCursor
from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.headless.json_output import outcome
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import Role
from stigmer_tui.workbench.state import ShownRun

BETWEEN = "\n\n"
"""Between two messages of an agent, which calls of tools part."""


class AnswerText:
    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._cursor = MessageCursor(execution)
        self._has_begun = False

    def new(self) -> Iterator[str]:
        """What has come since the last time."""
        for message, text, is_beginning in self._cursor.new():
            if message.role is Role.AGENT and not message.is_summary and text:
                yield BETWEEN + text if self._has_begun and is_beginning else text
                self._has_begun = True

    def rest(self) -> Iterator[str]:
        """At the end: what is new; of a workflow, and of an agent that has said nothing, the output."""
        yield from self.new()
        if not self._has_begun and (output := outcome(self._execution)) is not None:
            yield output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)


async def answer_texts(project: OpenProject, shown: ShownRun) -> AsyncGenerator[str, None]:
    """Follows a run to its end, which whoever no longer reads on brings about."""
    answer = AnswerText(shown.execution)
    async with aclosing(project.told(shown, lambda _: answer.new())) as texts:
        async for text in texts:
            yield text
    for text in answer.rest():
        yield text
