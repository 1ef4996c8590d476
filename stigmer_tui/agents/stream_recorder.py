"""Writes the responses of a model into the transcript of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pydantic_ai.messages import ModelResponse, ToolCallPart
from pydantic_ai.models import StreamedResponse

from stigmer_tui.agents.answers import final_answer, is_final_answer
from stigmer_tui.agents.models.choice import ModelChoice
from stigmer_tui.agents.responses import CallIds, Piece, Reasoning, arguments_of, pieces_of, stream_pieces
from stigmer_tui.agents.run import AgentRun


class StreamRecorder:
    def __init__(self, run: AgentRun) -> None:
        self._run = run
        self._transcript = run.transcript
        self.has_output = False
        """Whether the latest response has brought any output."""
        self._takes: type[Piece] | None = None
        """The kind of the message of the response that is growing."""

    async def record(
        self, stream: StreamedResponse, ids: CallIds, choice: ModelChoice, asked_at: str
    ) -> tuple[ModelResponse, str]:
        """Records a response while it streams. Returns the complete response, and when its text began."""
        spoke_at, self.has_output, self._takes = "", False, None
        try:
            async for piece in stream_pieces(stream):
                is_first_text = isinstance(piece, str) and not spoke_at
                if is_first_text:
                    spoke_at = self._run.now()
                if isinstance(piece, ToolCallPart):
                    piece = replace(piece, tool_call_id=ids.give(piece))
                self._take(piece, choice, spoke_at or asked_at)
                if is_first_text:
                    # It is reported at once, because people wait for it.
                    await self._run.reporter.flush()
            response = ids.put_into(stream.get())
            self._end(response, choice)
        finally:
            self._transcript.end_message()
        return response, spoke_at

    def replay(self, response: ModelResponse, choice: ModelChoice, asked_at: str, spoke_at: str) -> None:
        """Records a response from the journal."""
        self._takes, at = None, asked_at
        for piece in pieces_of(response):
            if isinstance(piece, str):
                at = spoke_at
            self._take(piece, choice, at)
        self._end(response, choice)

    def _take(self, piece: Piece, choice: ModelChoice, at: str) -> None:
        if isinstance(piece, ToolCallPart):
            self.has_output = True
            if not is_final_answer(piece):
                self._transcript.call(piece.tool_call_id, piece.tool_name, at)
            return
        if type(piece) is not self._takes:
            self._takes = type(piece)
            self._transcript.end_message()
            if isinstance(piece, Reasoning):
                self._transcript.start_reasoning(at)
            else:
                self._transcript.start_message(choice.model, at)
        if isinstance(piece, Reasoning):
            self._transcript.append_text(piece.text)
        else:
            self.has_output = True
            self._transcript.append_text(piece)

    def _end(self, response: ModelResponse, choice: ModelChoice) -> None:
        self._transcript.end_message(_usage(response, choice) if self._takes is str else None)

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
