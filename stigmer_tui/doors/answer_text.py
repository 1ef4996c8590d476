"""What an agent says in answer to a message, as one text that grows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.headless.json_output import outcome
from stigmer_tui.workbench.events import Event
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import Role
from stigmer_tui.workbench.state import ShownRun

BETWEEN = "\n\n"
"""Between two messages of an agent, which calls of tools part."""


class AnswerText:
    """Of all messages of an agent, without those of its sub-agents."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._index = 0
        """Of the message that may still grow."""
        self._told = 0
        """Characters of it."""
        self._has_begun = False

    def new(self) -> str:
        """What has come since the last time."""
        parts, messages = [], self._execution.messages()
        for index in range(self._index, len(messages)):
            if index > self._index:
                self._index, self._told = index, 0
            message = messages[index]
            if message.role is not Role.AGENT or message.is_summary or not (text := message.text[self._told :]):
                continue
            if self._has_begun and not self._told:
                parts.append(BETWEEN)
            parts.append(text)
            self._told += len(text)
            self._has_begun = True
        return "".join(parts)

    def rest(self) -> str:
        """At the end: what is new; of a workflow, and of an agent that has said nothing, the output."""
        new = self.new()
        if self._has_begun or (output := outcome(self._execution)) is None:
            return new
        return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)


async def answer_texts(project: OpenProject, shown: ShownRun) -> AsyncGenerator[str, None]:
    """Follows a run to its end, which whoever no longer reads on brings about."""
    answer, news = AnswerText(shown.execution), asyncio.Queue[str | None]()

    def take(event: Event) -> None:
        if text := answer.new():
            news.put_nowait(text)

    following = asyncio.create_task(project.follow(shown, take))
    following.add_done_callback(lambda _: news.put_nowait(None))
    try:
        while (text := await news.get()) is not None:
            yield text
        following.result()
        if text := answer.rest():
            yield text
    finally:
        following.cancel()
        await asyncio.wait((following,))
