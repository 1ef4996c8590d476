"""Writes the responses of a model into the transcript of a run."""

from __future__ import annotations

from typing import Any

from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models import StreamedResponse

from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.responses import CallIds, Reasoning, arguments_of, reasoning_of, stream_pieces, text_of
from stigmer_tui.agents.run import AgentRun
from stigmer_tui.agents.typed_output import final_answer, is_final_answer


class StreamRecorder:
    def __init__(self, run: AgentRun) -> None:
        self._run = run
        self._transcript = run.transcript
        self.has_output = False
        """Whether the latest response has brought any output."""

    async def record(
        self, stream: StreamedResponse, ids: CallIds, choice: ModelChoice, asked_at: str
    ) -> tuple[ModelResponse, str]:
        """Records a response while it streams. Returns the complete response, and when its text began."""
        spoke_at, self.has_output, is_reasoning = "", False, False
        try:
            async for piece in stream_pieces(stream):
                if isinstance(piece, Reasoning):
                    if not spoke_at:
                        if not is_reasoning:
                            is_reasoning = True
                            self._transcript.start_reasoning(asked_at)
                        self._transcript.append_text(piece.text)
                    continue
                self.has_output = True
                if isinstance(piece, ToolCallPart) and is_final_answer(piece):
                    ids.give(piece)
                elif isinstance(piece, ToolCallPart):
                    self._transcript.call(ids.give(piece), piece.tool_name, spoke_at or asked_at)
                elif spoke_at:
                    self._transcript.append_text(piece)
                else:
                    spoke_at = self._run.now()
                    self._transcript.end_message()
                    self._transcript.start_message(choice.model, spoke_at)
                    self._transcript.append_text(piece)
                    # The first text is reported at once, because people wait for it.
                    await self._run.reporter.flush()
            response = ids.put_into(stream.get())
            self._transcript.end_message(_usage(response, choice) if spoke_at else None)
        finally:
            self._transcript.end_message()
        return response, spoke_at

    def replay(self, response: ModelResponse, choice: ModelChoice, asked_at: str, spoke_at: str) -> None:
        """Records a response from the journal."""
        text = text_of(response)
        if reasoning := reasoning_of(response):
            self._transcript.start_reasoning(asked_at)
            self._transcript.append_text(reasoning)
            self._transcript.end_message()
        for part in response.parts:
            if isinstance(part, ToolCallPart) and not is_final_answer(part):
                self._transcript.call(part.tool_call_id, part.tool_name, spoke_at or asked_at)
            elif isinstance(part, TextPart) and text:
                self._transcript.start_message(choice.model, spoke_at)
                self._transcript.append_text(text)
                text = ""
        self._transcript.end_message(_usage(response, choice))

    def conclude(self, response: ModelResponse, choice: ModelChoice, ended_at: str) -> None:
        """Records what is known only of a complete response: the arguments of calls, a typed answer, and whether it
        was cut off.
        """
        if response.finish_reason == "length":
            self._transcript.note("The answer ends here because the model reached the limit of its output.", ended_at)
        for call in response.tool_calls:
            if not is_final_answer(call):
                self._transcript.call(call.tool_call_id, call.tool_name, ended_at, arguments_of(call))
        if answer := final_answer(response):
            self._transcript.start_message(choice.model, ended_at)
            self._transcript.append_text(answer)
            self._transcript.end_message(_usage(response, choice))


def _usage(response: ModelResponse, choice: ModelChoice) -> dict[str, Any]:
    """The tokens that the provider has counted; none for a script."""
    usage = response.usage
    if choice.is_scripted or not usage.has_values():
        return {}
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
