"""What the guide says about MCP, done as it is printed, offline."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import World
from tests.guide import section


def test_the_section_of_the_readme_works_as_it_is_printed(world: World) -> None:
    project = world.new_project()
    server, code, script = re.findall(r"```(?:python|yaml)\n(.*?)```", section("MCP"), re.DOTALL)
    (project / "stock.py").write_text(server, encoding="utf-8")
    (project / "clerk.yaml").write_text(script, encoding="utf-8")
    with (project / "main.py").open("a", encoding="utf-8") as main:
        main.write(code)
    printed = re.findall(r"^    stigmer-tui (.*)$", section("MCP"), re.MULTILINE)
    commands = [shlex.split(line, comments=True) for line in printed]
    checked, called, ran = [world.run(*command, cwd=project) for command in commands]
    assert checked.code == 0, checked.err
    assert "✓ stock  1 tool, ready in " in checked.out
    assert "grams(tea)  How much of a tea is there." in checked.out
    assert (called.code, called.out) == (0, "250\n")
    assert ran.code == 0, ran.err
    assert "There are 250 g of Assam." in ran.out


EVERYTHING, FILES, MEMORY = (f"@modelcontextprotocol/server-{name}" for name in ("everything", "filesystem", "memory"))

CODE = """\
from stigmer_tui.sdk import Agent, McpServer

every = McpServer.{server}
Agent("clerk", instructions="Say what the servers say.", mcp_servers=[every])
"""


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of the reference servers are, from npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    options = ("--silent", "--no-audit", "--no-fund", "--prefix", str(folder))
    command = ["npm", "install", *options, EVERYTHING, FILES, MEMORY]
    if subprocess.run(command, capture_output=True, timeout=300).returncode:
        pytest.skip("npm cannot install the reference servers here")
    return folder / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def everything(reference: Path) -> str:
    return str(reference / "mcp-server-everything")


@pytest.fixture
def served(everything: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The reference server at an address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [everything, request.param],
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if b"port" in line:
                break
        yield f"http://127.0.0.1:{port}/{'sse' if request.param == 'sse' else 'mcp'}"
    finally:
        process.kill()
        process.wait()


def check_reference_server(world: World, server: str) -> None:
    project = world.project(CODE.format(server=server))
    checked = world.run("mcp", "check", cwd=project)
    assert checked.code == 0, checked.out + checked.err
    assert "echo(message)" in checked.out
    called = world.run("mcp", "call", "every", "get-sum", "--args", '{"a": 2, "b": 3}', cwd=project)
    assert (called.code, called.err) == (0, "")
    assert "5" in called.out


@pytest.mark.slow
def test_the_reference_server_as_a_program(world: World, everything: str) -> None:
    check_reference_server(world, f'stdio("every", {everything!r}, "stdio")')


@pytest.mark.slow
@pytest.mark.parametrize("served", ["streamableHttp", "sse"], indirect=True)
def test_the_reference_server_over_http(world: World, served: str) -> None:
    check_reference_server(world, f'http("every", {served!r})')


THREE = """\
from stigmer_tui.sdk import Agent, McpServer

servers = [
    McpServer.stdio("every", {bin!r} + "/mcp-server-everything", "stdio"),
    McpServer.stdio("files", {bin!r} + "/mcp-server-filesystem", {folder!r}),
    McpServer.stdio("memory", {bin!r} + "/mcp-server-memory", env={{"MEMORY_FILE_PATH": {folder!r} + "/memory.json"}}),
]
Agent("clerk", instructions="Say what the servers say.", mcp_servers=servers, script="clerk.yaml")
"""

SCRIPT = """\
delay: 0
turns:
  - call:
      - files_write_file: {{path: {folder}/tea.txt, content: 250 g of Assam}}
      - write_file: {{file_path: /own.txt, content: mine}}
      - create_entities: {{entities: [{{name: tea, entityType: drink, observations: [250 g of Assam]}}]}}
  - call:
      - read_text_file: {{path: {folder}/tea.txt}}
      - read_text_file: {{path: /etc/passwd}}
      - search_nodes: {{query: Assam}}
      - echo: {{message: "{{{{message}}}}"}}
  - say: "{{{{read_text_file}}}} / {{{{echo}}}}"
"""


@pytest.mark.slow
def test_the_reference_servers_together_in_a_run(world: World, reference: Path, tmp_path: Path) -> None:
    """Two of them have tools with names of built-in ones; what one refuses, its model reads."""
    folder = tmp_path / "stock"
    folder.mkdir()
    project = world.project(THREE.format(bin=str(reference), folder=str(folder)))
    (project / "clerk.yaml").write_text(SCRIPT.format(folder=folder), encoding="utf-8")
    ran = world.run("run", "clerk", "--message", "Hello", "--output", "json", cwd=project)
    assert ran.code == 0, ran.out + ran.err
    ended = {(call["name"], call["state"]): call for call in map(json.loads, ran.out.splitlines()) if "state" in call}
    assert ended["create_entities", "completed"]
    assert ended["read_text_file", "completed"]["result"] == "250 g of Assam"
    assert ended["read_text_file", "failed"]["error"].startswith("Access denied")
    assert "250 g of Assam" in ended["search_nodes", "completed"]["result"]
    assert ended["echo", "completed"]["result"] == "Echo: Hello"
    assert (folder / "tea.txt").read_text() == "250 g of Assam"
    assert not (folder / "own.txt").exists()
