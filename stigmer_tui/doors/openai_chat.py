"""`/v1/chat/completions`: the agent or workflow is the model.

Clients of this API keep the conversation, and send all of it with each message. Where the beginning of what they send
is a conversation that was had here, it is continued, with all that the agent has done in it; otherwise the agent is
told what was said before.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.doors.answer_text import answer_texts
from stigmer_tui.doors.event_stream import event_stream, while_somebody_waits
from stigmer_tui.doors.http_errors import RequestError, failed_body
from stigmer_tui.doors.open_project import OpenProject
from stigmer_tui.doors.openai_input import ClientMessage, client_messages, required_text, with_history
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, RunState
from stigmer_tui.workbench.state import RunInput, ShownRun

MAX_CONVERSATIONS = 1000
"""That can be continued, the latest ones."""


class Chat:
    def __init__(self) -> None:
        self._executions: OrderedDict[str, str] = OrderedDict()
        """The id of the last execution of each conversation, by what was said in it."""

    async def answer(self, project: OpenProject, request: Request, body: dict[str, Any]) -> Response:
        model, messages = required_text(body, "model"), client_messages(body, "messages")
        if body.get("tools"):
            raise RequestError(400, f"{model} has tools of its own; it cannot use the client's", param="tools")
        shown = await self._begin(project, model, messages)
        if not body.get("stream"):
            return await self._whole(project, request, shown, model, messages)
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return event_stream(request, self._chunks(project, shown, model, messages, with_usage))

    async def _begin(self, project: OpenProject, model: str, messages: Sequence[ClientMessage]) -> ShownRun:
        *earlier, last = messages
        if known := self._executions.get(_digest(model, earlier)):
            return await project.continue_after(known, last.text)
        return await project.start(await model_of(project, model), RunInput(with_history(earlier, last)))

    async def _whole(
        self, project: OpenProject, request: Request, shown: ShownRun, model: str, messages: Sequence[ClientMessage]
    ) -> Response:
        text = "".join([text async for text in while_somebody_waits(request, answer_texts(project, shown))])
        execution = shown.execution
        if execution.state is not RunState.COMPLETED:
            return JSONResponse(failed_body(_failure(execution)), 500)
        self._remember(model, messages, text, execution)
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        return JSONResponse(
            {**_head(execution, model, "chat.completion"), "choices": [choice], "usage": usage_of(execution)}
        )

    async def _chunks(
        self, project: OpenProject, shown: ShownRun, model: str, messages: Sequence[ClientMessage], with_usage: bool
    ) -> AsyncGenerator[str, None]:
        execution, said = shown.execution, []

        def chunk(delta: dict[str, str], finish_reason: str | None = None) -> str:
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
            return json.dumps({**_head(execution, model, "chat.completion.chunk"), "choices": [choice]})

        yield chunk({"role": "assistant", "content": ""})
        try:
            async for text in answer_texts(project, shown):
                said.append(text)
                yield chunk({"content": text})
        except StigmerError as error:
            yield json.dumps(failed_body(str(error)))
            return
        if execution.state is not RunState.COMPLETED:
            yield json.dumps(failed_body(_failure(execution)))
            return
        self._remember(model, messages, "".join(said), execution)
        yield chunk({}, "stop")
        if with_usage:
            head = _head(execution, model, "chat.completion.chunk")
            yield json.dumps({**head, "choices": [], "usage": usage_of(execution)})
        yield "[DONE]"

    def _remember(self, model: str, messages: Sequence[ClientMessage], answer: str, execution: Execution) -> None:
        if not execution.session:
            return
        self._executions[_digest(model, [*messages, ClientMessage("assistant", answer)])] = execution.id
        while len(self._executions) > MAX_CONVERSATIONS:
            self._executions.popitem(last=False)


async def model_of(project: OpenProject, model: str) -> Resource:
    """Raises RequestError where there is no such agent or workflow."""
    if (resource := await project.find(model)) is None:
        known = ", ".join(resource.slug for resource in await project.resources())
        message = f"The model {model} does not exist: there is no such agent or workflow. There are: {known or 'none'}"
        raise RequestError(404, message, "model_not_found", "model")
    return resource


def usage_of(execution: Execution) -> dict[str, int]:
    usage = execution.usage
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _head(execution: Execution, model: str, kind: str) -> dict[str, Any]:
    created = int(execution.created_at.timestamp()) if execution.created_at else 0
    return {"id": f"chatcmpl-{execution.id}", "object": kind, "created": created, "model": model}


def _failure(execution: Execution) -> str:
    return f"The run {execution.id} has {execution.state}{f': {execution.error}' if execution.error else ''}"


def _digest(model: str, messages: Sequence[ClientMessage]) -> str:
    """Empty space at the ends counts nothing: some clients strip it."""
    said = [[message.role, message.text.strip()] for message in messages]
    return hashlib.sha256(json.dumps([model, said]).encode()).hexdigest()
