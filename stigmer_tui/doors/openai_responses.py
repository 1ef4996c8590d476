"""`/v1/responses`: the agent or workflow is the model, and `previous_response_id` continues its conversation."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.doors.answer_text import answer_texts
from stigmer_tui.doors.event_stream import event_stream, while_somebody_waits
from stigmer_tui.doors.http_errors import RequestError
from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.doors.openai_chat import model_of
from stigmer_tui.doors.openai_input import ClientMessage, client_messages, required_text, with_history
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.state import RunInput, ShownRun

PREFIX = "resp_"
"""Before the id of the execution, in that of a response."""


async def answer(project: OpenProject, request: Request, body: dict[str, Any]) -> Response:
    model = required_text(body, "model")
    if body.get("tools"):
        raise RequestError(400, f"{model} has tools of its own; it cannot use the client's", param="tools")
    response = _Response(await _begin(project, model, body), model, body.get("previous_response_id"))
    if body.get("stream"):
        return event_stream(request, response.events(project))
    text = "".join([text async for text in while_somebody_waits(request, answer_texts(project, response.shown))])
    return JSONResponse(response.data(text))


async def _begin(project: OpenProject, model: str, body: dict[str, Any]) -> ShownRun:
    *earlier, last = client_messages(body, "input")
    if instructions := body.get("instructions"):
        earlier.insert(0, ClientMessage("system", str(instructions)))
    message = with_history(earlier, last)
    if previous := body.get("previous_response_id"):
        if not isinstance(previous, str) or not previous.startswith(PREFIX):
            raise RequestError(400, f"There is no response {previous}", param="previous_response_id")
        return await project.continue_after(previous.removeprefix(PREFIX), message)
    return await project.start(await model_of(project, model), RunInput(message))


class _Response:
    def __init__(self, shown: ShownRun, model: str, previous: str | None) -> None:
        self.shown = shown
        self._model = model
        self._previous = previous

    def data(self, text: str = "") -> dict[str, Any]:
        """As it stands, with what was said so far."""
        execution = self.shown.execution
        return {
            "id": f"{PREFIX}{execution.id}",
            "object": "response",
            "created_at": int(execution.created_at.timestamp()) if execution.created_at else 0,
            "status": _status(execution),
            "error": _error(execution),
            "incomplete_details": None,
            "instructions": None,
            "metadata": {"execution_id": execution.id, "session_id": execution.session},
            "model": self._model,
            "output": [self._item(text)] if text else [],
            "parallel_tool_calls": True,
            "previous_response_id": self._previous,
            "temperature": None,
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "usage": _usage(execution),
        }

    async def events(self, project: OpenProject) -> AsyncGenerator[str, None]:
        number, said = 0, list[str]()

        def event(name: str, **data: Any) -> str:
            nonlocal number
            number += 1
            return json.dumps({"type": f"response.{name}", "sequence_number": number - 1, **data})

        place = {"item_id": self._item_id, "output_index": 0, "content_index": 0}
        yield event("created", response=self.data())
        yield event("in_progress", response=self.data())
        yield event("output_item.added", output_index=0, item={**self._item(""), "content": []})
        yield event("content_part.added", **place, part=_part(""))
        try:
            async for text in answer_texts(project, self.shown):
                said.append(text)
                yield event("output_text.delta", **place, delta=text, logprobs=[])
        except StigmerError as error:
            yield json.dumps({"type": "error", "sequence_number": number, "code": "run_failed", "message": str(error)})
            return
        whole = "".join(said)
        yield event("output_text.done", **place, text=whole, logprobs=[])
        yield event("content_part.done", **place, part=_part(whole))
        yield event("output_item.done", output_index=0, item=self._item(whole))
        yield event(
            "completed" if _status(self.shown.execution) == "completed" else "failed", response=self.data(whole)
        )

    @property
    def _item_id(self) -> str:
        return f"msg_{self.shown.execution.id}"

    def _item(self, text: str) -> dict[str, Any]:
        status = "completed" if self.shown.execution.state.is_final else "in_progress"
        return {
            "id": self._item_id,
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [_part(text)],
        }


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _status(execution: Execution) -> str:
    match execution.state:
        case RunState.COMPLETED:
            return "completed"
        case RunState.CANCELLED:
            return "cancelled"
        case RunState.FAILED:
            return "failed"
        case _:
            return "in_progress"


def _error(execution: Execution) -> dict[str, str] | None:
    if execution.state is not RunState.FAILED:
        return None
    return {"code": "server_error", "message": execution.error}


def _usage(execution: Execution) -> dict[str, Any] | None:
    usage = execution.usage
    if not execution.state.is_final:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
