"""`mcp check` and `mcp call` as commands, on a project with the server of the tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

CODE = f"""\
from stigmer_tui.sdk import Agent, McpServer, secret

notes = McpServer.stdio(
    "notes", {sys.executable!r}, "-m", "tests.agents.mcp_server",
    env={{"PYTHONPATH": {str(ROOT)!r}, "T": secret("TOKEN")}}, enabled_tools=["add", "variable", "fail"],
)
bad = McpServer.stdio("bad", "sh", "-c", "echo no config for $0 >&2; exit 3", secret("TOKEN"))
Agent("clerk", instructions="Answer from the notes.", mcp_servers=[notes])
Agent("thief", instructions="Answer from the notes.", mcp_servers=[bad])
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "Stigmer.yaml").write_text("name: shop\nruntime: python\n")
    (folder / "main.py").write_text(CODE)
    (folder / ".env").write_text("TOKEN=s3cret-of-the-shop\n")
    return folder


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STIGMER_HOME": str(project.parent / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "stigmer_tui", "mcp", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.e2e
def test_check_prints_the_tools_of_each_server_and_what_is_wrong(project: Path) -> None:
    checked = run(project, "check")
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    assert lines[0] == "clerk"
    assert lines[1].startswith("  ✓ notes  3 tools, ready in ")
    assert lines[2] == "      add(a, b)  Add two numbers."
    assert lines[5:] == [
        "thief",
        "  ✗ bad",
        "    The MCP server bad did not come up: it ended with exit code 3",
        "      sh -c 'echo no config for $0 >&2; exit 3' [REDACTED]",
        "      no config for [REDACTED]",
    ]


@pytest.mark.e2e
def test_check_of_one_agent_as_json(project: Path) -> None:
    checked = run(project, "check", "clerk", "--output", "json")
    assert checked.returncode == 0, checked.stderr
    server = json.loads(checked.stdout)
    assert (server["agent"], server["server"], server["ready"], server["error"]) == ("clerk", "notes", True, "")
    assert [tool["name"] for tool in server["tools"]] == ["add", "variable", "fail"]
    assert server["tools"][0]["input_schema"]["required"] == ["a", "b"]


@pytest.mark.e2e
def test_call_prints_the_result_without_secrets(project: Path) -> None:
    assert run(project, "call", "notes", "add", "--args", '{"a": 2, "b": 3}').stdout == "5\n"
    assert run(project, "call", "notes", "variable", "--args", '{"name": "T"}').stdout == "[REDACTED]\n"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("call", "notes", "fail"), "Error: Error executing tool fail: no luck today\n"),
        (
            ("call", "notes", "folder"),
            "Error: The MCP server notes has no tool folder\n\nIt has: add, variable, fail\n",
        ),
        (("call", "shop", "add"), "Error: There is no MCP server shop\n\nThere are: bad, notes\n"),
        (("call", "notes", "add", "--args", "[]"), "Error: --args is not a JSON object\n\nSuch as: "),
    ],
)
def test_call_says_what_is_wrong(project: Path, arguments: tuple[str, ...], expected: str) -> None:
    called = run(project, *arguments)
    assert (called.returncode, called.stdout) == (1, "")
    assert called.stderr.startswith(expected)
