"""The loop of an agent: the model is asked, its calls are made and it is told of them, until it has answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelRequestPart, UserPromptPart
from pydantic_ai.settings import ModelSettings

from stigmer_tui.agents.answers import Answers, is_answer, is_final_answer, sent_back
from stigmer_tui.agents.calls import Calls
from stigmer_tui.agents.conversation import joined
from stigmer_tui.agents.models.failures import unusable
from stigmer_tui.agents.tools.tool import Tools
from stigmer_tui.agents.turns import Turns
from stigmer_tui.core.errors import StigmerError

ListTools = Callable[[], Awaitable[Tools]]
"""The tools that there are now; MCP servers may change theirs during a run."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Of one run."""

    run_id: str
    turns: Turns
    calls: Calls
    answers: Answers
    tools: ListTools
    instructions: str
    settings: ModelSettings

    async def hold(self, history: Sequence[ModelMessage], asked: UserPromptPart) -> None:
        """From what a person asks to the answer. Raises StigmerError, or AgentRunError, if there is none."""
        async with self.turns.settled():
            await self._hold(history, asked)

    async def _hold(self, history: Sequence[ModelMessage], asked: UserPromptPart) -> None:
        messages = joined([*history, ModelRequest([asked], instructions=self.instructions)])
        repairs = 0
        while True:
            tools = await self.tools()
            asked_for = partial(self.answers.asked_for, [tool.definition for tool in tools.values()])
            turn = await self.turns.next(messages, self.settings, asked_for)
            uses = [call for call in turn.response.tool_calls if not is_final_answer(call)]
            told: list[ModelRequestPart] = [*await self.calls.make(uses, tools, turn.ended_at)]
            if is_answer(turn.response):
                problem = self.answers.problem(turn.response)
                if not problem:
                    return
                repairs += 1
                if repairs > self.answers.repairs:
                    raise StigmerError(unusable(turn.choice, problem))
                told += sent_back(turn.response, problem)
            request = ModelRequest(told, instructions=self.instructions, run_id=self.run_id)
            messages = [*messages, turn.response, request]
