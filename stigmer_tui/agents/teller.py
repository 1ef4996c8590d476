"""Tells the transcript what a model answers: while it comes, or again from the record, with the same outcome."""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import StreamedResponse

from stigmer_tui.agents.answers import CallIds, arguments_of, said, text_of
from stigmer_tui.agents.models.choice import ModelChoice, Provider
from stigmer_tui.agents.run import AgentRun


class StreamRecorder:
    def __init__(self, run: AgentRun, choice: ModelChoice) -> None:
        self._run = run
        self._transcript = run.transcript
        self._choice = choice
        self.has_told = False
        """Whether anything of the latest answer was told."""

    async def tell(self, stream: StreamedResponse, ids: CallIds, asked_at: str) -> tuple[ModelResponse, str]:
        """The answer when it is complete, and when its text began."""
        spoke_at, self.has_told = "", False
        try:
            async for piece in said(stream):
                self.has_told = True
                if isinstance(piece, ToolCallPart):
                    self._transcript.call(ids.give(piece), piece.tool_name, spoke_at or asked_at)
                elif spoke_at:
                    self._transcript.append_text(piece)
                else:
                    spoke_at = self._run.now()
                    self._transcript.start_message(self._choice.model, spoke_at)
                    self._transcript.append_text(piece)
                    # The first word is what people wait for; the others may come together.
                    await self._run.reporter.flush()
            response = ids.put_into(stream.get())
            self._transcript.end_message(self._usage(response))
        finally:
            self._transcript.end_message()
        return response, spoke_at

    def tell_again(self, response: ModelResponse, asked_at: str, spoke_at: str) -> None:
        text = text_of(response)
        for part in response.parts:
            if isinstance(part, ToolCallPart):
                self._transcript.call(part.tool_call_id, part.tool_name, spoke_at or asked_at)
            elif isinstance(part, TextPart) and text:
                self._transcript.start_message(self._choice.model, spoke_at)
                self._transcript.append_text(text)
                text = ""
        self._transcript.end_message(self._usage(response))

    def conclude(self, response: ModelResponse, ended_at: str) -> None:
        """What can be told only of an answer that is complete."""
        if response.finish_reason == "length":
            self._transcript.note("The answer ends here because the model reached the limit of its output.", ended_at)
        for call in response.tool_calls:
            self._transcript.call(call.tool_call_id, call.tool_name, ended_at, arguments_of(call))

    def _usage(self, response: ModelResponse) -> dict[str, Any]:
        """Tokens, as the provider counted them; a script has none."""
        usage = response.usage
        if self._choice.provider is Provider.SCRIPTED or not usage.has_values():
            return {}
        return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
