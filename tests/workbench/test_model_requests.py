"""A request that was kept, as a command, and what it consists of."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from stigmer_tui.api.model_call_pb2 import ModelRequest
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.model_requests import SentRequest, context_shares, curl_command, requests_of, sections
from stigmer_tui.workbench.nodes import Node, NodeKind, PutNode
from stigmer_tui.workbench.usage import ModelCall, Usage
from stigmer_tui.workbench.wire_deltas import sent_request_of


def sent(**fields: Any) -> SentRequest:
    return sent_request_of(ModelRequest(**fields))


BODY = json.dumps({"messages": [{"role": "user", "content": "It's $5 `now`\n"}]})


def test_a_command_has_the_key_as_a_variable_and_the_body_unchanged() -> None:
    request = sent(
        url="http://127.0.0.1:1/v1/chat/completions",
        key_variable="OPENAI_API_KEY",
        headers={"content-type": "application/json"},
        body=BODY,
    )
    shell = shutil.which("sh") or ""
    printed = curl_command(request).replace("curl ", "printf '%s\\n' ", 1)
    lines = subprocess.run([shell, "-c", printed], capture_output=True, text=True, env={"OPENAI_API_KEY": "k"}).stdout
    assert lines.split("\n", 6) == [
        "http://127.0.0.1:1/v1/chat/completions",
        "-H",
        "authorization: Bearer k",
        "-H",
        "content-type: application/json",
        "-d",
        f"{BODY}\n",
    ]


def test_the_key_of_anthropic_has_its_own_header() -> None:
    request = sent(url="http://a", key_variable="KEY", headers={"anthropic-version": "1"}, body="{}")
    assert '-H "x-api-key: $KEY"' in curl_command(request)


def test_a_script_was_not_sent() -> None:
    with pytest.raises(StigmerError, match="a script was played"):
        curl_command(sent(body=BODY))


OPENAI = {
    "model": "gpt",
    "tools": ["x" * 48],
    "messages": [{"role": "system", "content": ""}, {"role": "tool", "content": ""}, {"role": "user", "content": ""}],
}
SKILLED = {"system": f"Be kind.\n{'#'}# Skills\n\n- review: Reads code\n\n## Your answer\nShort.", "messages": []}
ANTHROPIC = {
    "system": [{"text": "x" * 40}],
    "messages": [
        {"role": "user", "content": "x"},
        {"role": "user", "content": [{"type": "tool_result", "content": "y" * 300}]},
    ],
}


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (OPENAI, ["instructions", "tools", "history", "results"]),
        (ANTHROPIC, ["instructions", "history", "results"]),
        (SKILLED, ["instructions", "skills"]),
    ],
)
def test_what_fills_the_context(body: dict[str, object], names: list[str]) -> None:
    shares = context_shares(body)
    assert list(shares) == names
    assert sum(shares.values()) in range(99, 102)


def parts(body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> list[tuple[str, str, bool]]:
    return [(section.title, section.text, section.is_new) for section in sections(body, before)]


USER = {"role": "user", "content": "What is there?"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "ls", "arguments": '{"path":"/"}'}}]}
RESULT = {"role": "tool", "content": "tea.md"}
SYSTEM = {"role": "system", "content": "Be kind."}
LS = {"type": "function", "function": {"name": "ls", "description": "Lists a folder.\nAnd more."}}


def test_the_parts_of_a_request_to_openai_and_what_is_new_since_the_one_before() -> None:
    before = {"model": "gpt", "tools": [LS], "messages": [SYSTEM, USER]}
    body = {**before, "messages": [SYSTEM, USER, CALL, RESULT]}
    assert parts(body, before) == [
        ("Settings", "model gpt", False),
        ("1 tool", "ls  Lists a folder.", False),
        ("system", "Be kind.", False),
        ("user", "What is there?", False),
        ("calls ls", '{"path":"/"}', True),
        ("result", "tea.md", True),
    ]
    assert not any(is_new for _, _, is_new in parts(body))


def test_the_parts_of_a_request_to_anthropic() -> None:
    said = [
        {"type": "thinking", "thinking": "Hm."},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "1", "name": "ls", "input": {"path": "/"}},
    ]
    answered = [{"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "tea.md"}]}]
    body = {
        "system": [{"type": "text", "text": "Be kind."}],
        "stream": True,
        "messages": [USER, {"role": "assistant", "content": said}, {"role": "user", "content": answered}],
    }
    assert parts(body) == [
        ("Settings", "stream true", False),
        ("Instructions", "Be kind.", False),
        ("user", "What is there?", False),
        ("reasoning", "Hm.", False),
        ("assistant", "Let me look.", False),
        ("calls ls", '{"path": "/"}', False),
        ("result", "tea.md", False),
    ]


def test_the_parts_of_what_a_script_got() -> None:
    made = {"part_kind": "tool-call", "tool_name": "ls", "args": '{"path": "/"}'}
    got = {"part_kind": "tool-return", "tool_name": "ls", "content": "tea.md"}
    body = {
        "instructions": "Be kind.",
        "tools": [{"name": "ls", "description": ""}],
        "messages": [
            {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": ["What is there?", "And where?"]}]},
            {"kind": "response", "parts": [{"part_kind": "thinking", "content": "Hm."}, made]},
            {"kind": "request", "parts": [got]},
        ],
        "settings": {"cache": True},
    }
    changed = {**body, "instructions": "Be short.", "tools": []}
    assert parts(body, changed)[:3] == [
        ("Settings", "cache true", False),
        ("Instructions", "Be kind.", True),
        ("1 tool", "ls", True),
    ]
    assert [part[:2] for part in parts(body)[3:]] == [
        ("user", "What is there?\nAnd where?"),
        ("reasoning", "Hm."),
        ("calls ls", '{"path": "/"}'),
        ("result", "tea.md"),
    ]


def test_requests_of_a_run_and_of_what_it_called_are_in_the_order_of_time() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "host", "Hi", RunState.COMPLETED)
    calls = [ModelCall(f"turn/{n}", "openai gpt", datetime(2026, 1, 1, 12, n, tzinfo=UTC)) for n in range(3)]
    execution.apply(PutNode(replace(execution.root, usage=Usage((calls[0], calls[2]))), ()))
    helper = Node("agx_2", NodeKind.RUN, "helper", usage=Usage((calls[1],)))
    execution.apply(PutNode(Node("call", NodeKind.SUB_AGENT, "helper"), execution.root_key))
    execution.apply(PutNode(helper, (*execution.root_key, "call")))
    found = [(name.agent, name.execution_id, name.number) for name in requests_of([execution])]
    assert found == [("host", "agx_1", 1), ("helper", "agx_2", 1), ("host", "agx_1", 2)]
