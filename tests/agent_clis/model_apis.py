"""A local model server for real agent CLIs: it speaks all four of their APIs, and follows one short script.

Each answer depends only on its request, since the CLIs ask for titles and summaries in between, in any order: without
tools the model answers at once, with tools it calls the shell, and after the result of that call it says `FINAL`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.http_server import Request, Response, serving

FINAL = "Hello World"
BEFORE_CALL = "I write the file and commit it."
FILE = "tmp/agent_runner_debug/smoke.txt"
COMMAND = (
    f"mkdir -p tmp/agent_runner_debug && echo smoke > {FILE} && git add {FILE} && git commit -q -m 'Add smoke.txt'"
    " && echo committed"
)
CALL_ID = "call_1"
SHELLS = ("Bash", "bash", "run_shell_command", "exec_command", "shell_command", "shell")
"""Names that the CLIs give to their shell tool."""

TOKENS_IN, TOKENS_OUT, TOKENS_CACHED = 100, 20, 40
"""Of each answer. The cached ones are part of the input."""


@contextmanager
def model_apis(refuses: bool = False) -> Iterator[str]:
    """The address of the server. With `refuses`, every request has reached a usage limit."""

    def respond(request: Request) -> Response:
        if request.method == "HEAD":
            return answer(200, "")
        if request.method == "GET":
            return answer(200, json.dumps({"data": [], "models": []}))
        body = json.loads(request.body or b"{}")
        path = request.path.partition("?")[0]
        if refuses:
            return answer(429, json.dumps(_refusal(path)))
        if path.endswith(("/count_tokens", ":countTokens")):
            return answer(200, json.dumps({"input_tokens": TOKENS_IN, "totalTokens": TOKENS_IN}))
        streams = body.get("stream") or path.endswith(":streamGenerateContent")
        return answer(200, _answer(path, body), "text/event-stream" if streams else "application/json")

    def answer(status: int, text: str, kind: str = "application/json") -> Response:
        return Response(status, text, {"Content-Type": kind, "x-should-retry": "false"})

    with serving(respond, keeps_connections=True) as address:
        yield address


def _answer(path: str, body: dict[str, Any]) -> str:
    if path.endswith("/messages"):
        return _anthropic(body)
    if path.endswith("/responses"):
        return _responses(body)
    if path.endswith("/chat/completions"):
        return _chat(body)
    return _gemini(body, streams=path.endswith(":streamGenerateContent"))


def _refusal(path: str) -> dict[str, Any]:
    message = "You exceeded your current quota: rate limit reached"
    if path.lower().endswith("generatecontent"):
        return {"error": {"code": 429, "message": message, "status": "RESOURCE_EXHAUSTED"}}
    return {"type": "error", "error": {"type": "rate_limit_error", "code": "rate_limit_exceeded", "message": message}}


def _shell(names: list[str]) -> str:
    return next((shell for shell in SHELLS if shell in names), "")


def _arguments(shell: str) -> dict[str, Any]:
    match shell:
        case "exec_command":
            return {"cmd": COMMAND}
        case "shell":
            return {"command": ["bash", "-c", COMMAND]}
        case "run_shell_command":
            return {"command": COMMAND, "description": "Write and commit", "is_background": False}
        case _:
            return {"command": COMMAND, "description": "Write and commit"}


def _sse(events: list[dict[str, Any]], named: bool = False) -> str:
    return "".join(
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n" for event in events
    )


def _anthropic(body: dict[str, Any]) -> str:
    shell = _shell([tool.get("name", "") for tool in body.get("tools", ())])
    contents = [message["content"] for message in body["messages"] if isinstance(message["content"], list)]
    calls = bool(shell) and not any(part.get("type") == "tool_result" for content in contents for part in content)
    usage = {"input_tokens": TOKENS_IN - TOKENS_CACHED, "cache_read_input_tokens": TOKENS_CACHED, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": []}
    blocks: list[dict[str, Any]] = [{"type": "text", "text": BEFORE_CALL if calls else FINAL}]
    if calls:
        blocks.append({"type": "tool_use", "id": CALL_ID, "name": shell, "input": _arguments(shell)})
    reason = "tool_use" if calls else "end_turn"
    if not body.get("stream"):
        whole = {**message, "content": blocks, "stop_reason": reason, "usage": {**usage, "output_tokens": TOKENS_OUT}}
        return json.dumps(whole)
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "stop_reason": None, "usage": usage}}
    ]
    for index, block in enumerate(blocks):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            empty = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events.append({"type": "content_block_delta", "index": index, "delta": delta})
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": TOKENS_OUT}})
    events.append({"type": "message_stop"})
    return _sse(events, named=True)


def _chat(body: dict[str, Any]) -> str:
    shell = _shell([tool["function"]["name"] for tool in body.get("tools", ())])
    calls = bool(shell) and not any(message["role"] == "tool" for message in body["messages"])
    message: dict[str, Any] = {"role": "assistant", "content": BEFORE_CALL if calls else FINAL}
    if calls:
        function = {"name": shell, "arguments": json.dumps(_arguments(shell))}
        message["tool_calls"] = [{"index": 0, "id": CALL_ID, "type": "function", "function": function}]
    reason = "tool_calls" if calls else "stop"
    usage = {
        "prompt_tokens": TOKENS_IN,
        "completion_tokens": TOKENS_OUT,
        "total_tokens": TOKENS_IN + TOKENS_OUT,
        "prompt_tokens_details": {"cached_tokens": TOKENS_CACHED},
    }
    head = {"id": "chat_1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    chunk = {**head, "object": "chat.completion.chunk"}
    events: list[dict[str, Any]] = [
        {**chunk, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
        {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]},
        {**chunk, "choices": [], "usage": usage},
    ]
    return _sse(events) + "data: [DONE]\n\n"


def _responses(body: dict[str, Any]) -> str:
    shell = _shell([tool.get("name", "") for tool in body.get("tools", ())])
    calls = bool(shell) and not any(item.get("type") == "function_call_output" for item in body["input"])
    text = {"type": "output_text", "text": BEFORE_CALL if calls else FINAL, "annotations": []}
    items: list[dict[str, Any]] = [{"type": "message", "id": "msg_1", "role": "assistant", "content": [text]}]
    if calls:
        arguments = json.dumps(_arguments(shell))
        items.append({"type": "function_call", "id": "fc_1", "call_id": CALL_ID, "name": shell, "arguments": arguments})
    usage = {
        "input_tokens": TOKENS_IN,
        "input_tokens_details": {"cached_tokens": TOKENS_CACHED},
        "output_tokens": TOKENS_OUT,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": TOKENS_IN + TOKENS_OUT,
    }
    events: list[dict[str, Any]] = [{"type": "response.created", "response": {"id": "resp_1"}}]
    events += [
        {"type": "response.output_item.done", "output_index": index, "item": item} for index, item in enumerate(items)
    ]
    events.append({"type": "response.completed", "response": {"id": "resp_1", "output": items, "usage": usage}})
    return _sse(events, named=True)


def _gemini(body: dict[str, Any], streams: bool) -> str:
    shell = _shell(
        [function["name"] for tool in body.get("tools", ()) for function in tool.get("functionDeclarations", ())]
    )
    parts = [part for content in body.get("contents", ()) for part in content.get("parts", ())]
    calls = bool(shell) and not any("functionResponse" in part for part in parts)
    answer: list[dict[str, Any]] = [{"text": BEFORE_CALL if calls else FINAL}]
    if calls:
        answer.append({"functionCall": {"name": shell, "args": _arguments(shell)}})
    usage = {
        "promptTokenCount": TOKENS_IN,
        "candidatesTokenCount": TOKENS_OUT,
        "totalTokenCount": TOKENS_IN + TOKENS_OUT,
        "cachedContentTokenCount": TOKENS_CACHED,
    }
    candidate = {"index": 0, "content": {"role": "model", "parts": answer}, "finishReason": "STOP"}
    whole = {"candidates": [candidate], "usageMetadata": usage}
    return _sse([whole]) if streams else json.dumps(whole)
