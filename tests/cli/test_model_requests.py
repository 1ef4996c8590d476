"""A request that was kept, as a command, and what it consists of."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from stigmer_tui.api.model_call_pb2 import ModelRequest
from stigmer_tui.cli.model_requests import context_shares, curl_command
from stigmer_tui.core.errors import StigmerError

BODY = json.dumps({"messages": [{"role": "user", "content": "It's $5 `now`\n"}]})


def test_a_command_has_the_key_as_a_variable_and_the_body_unchanged() -> None:
    request = ModelRequest(
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
    request = ModelRequest(url="http://a", key_variable="KEY", headers={"anthropic-version": "1"}, body="{}")
    assert '-H "x-api-key: $KEY"' in curl_command(request)


def test_a_script_was_not_sent() -> None:
    with pytest.raises(StigmerError, match="a script was played"):
        curl_command(ModelRequest(body=BODY))


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
