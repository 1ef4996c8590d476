"""Planted secrets are found nowhere: in no file, no argument, and no environment but the one that needs them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import psutil

from tests.e2e.world import World, eventually

TOKEN = 'hush "4711" hush/ü?'
KEY = "sk-planted-0123456789"

PROJECT = """\
from stigmer_tui.sdk import Agent, Workflow, secret

clerk = Agent("clerk", instructions="Answer in one sentence.", script="clerk.yaml", environment=[secret("TOKEN")])

with Workflow("whisper", namespace="shop") as flow:
    flow.set("say", text=f"it is {secret('TOKEN')}")
    answer = flow.call_agent("ask", clerk, message=f"Keep {secret('TOKEN')} for me", env={"TOKEN": secret("TOKEN")})
    flow.set("result", answer=answer.response)

with Workflow("stumble", namespace="shop") as flow:
    flow.http_get("fetch", f"http://127.0.0.1:9/{secret('TOKEN')}")

with Workflow("linger", namespace="shop") as flow:
    flow.set("say", text=f"it is {secret('TOKEN')}")
    flow.wait("rest", seconds=3600)
"""

CLERK = """\
turns:
  - call:
      execute: { command: "echo $TOKEN; echo $TOKEN >&2" }
  - say: "It is {{execute}}, and you said {{message}}"
"""


def test_planted_secrets_are_found_nowhere(world: World) -> None:
    world.variables = {"OPENAI_API_KEY": KEY, "STIGMER_LLM_PROVIDER": "scripted"}
    project = world.project(PROJECT)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    secret = ("--runtime-env", f"secret:TOKEN={TOKEN}")
    assert world.run("server", "start").code == 0
    assert world.run("run", "whisper", *secret, cwd=project).code == 0
    assert world.run("run", "stumble", *secret, cwd=project).code == 1
    assert world.run("run", "linger", "--no-follow", *secret, cwd=project).code == 0
    search_for_it(world)
    agent_runner = world.runner("agent-runner")
    look_at_processes(world, agent_runner)
    look_at_files(world)

    server = world.server()
    server.kill()
    psutil.wait_procs([server], timeout=60)
    look_at_files(world)
    assert world.run("list").code == 0
    eventually(lambda: world.runner("workflow-runner"), "the runners to be there again")
    look_at_processes(world, world.runner("agent-runner"))
    assert world.run("server", "stop").code == 0
    look_at_files(world)


def search_for_it(world: World) -> None:
    """A search finds neither the secret nor a part of it, but what stands around it, without it."""
    assert json.loads(world.run("execution", "list", "--search", TOKEN, "--output", "json").out) == []
    found = world.run("execution", "list", "--search", "you said keep", "--output", "json")
    (excerpt,) = json.loads(found.out)[0]["excerpts"][:1]
    assert "Keep [REDACTED] for me" in excerpt["text"]
    ids = [run["id"] for run in json.loads(world.run("execution", "list", "--output", "json").out)][:2]
    assert found_in(f"{found.out}{world.run('execution', 'compare', *ids).out}".encode()) == []


def look_at_processes(world: World, agent_runner: psutil.Process) -> None:
    processes = [process for process in world.processes() if process.is_running()]
    assert len(processes) >= 3
    for process in processes:
        arguments, environment = "\n".join(process.cmdline()), "\n".join(process.environ().values())
        assert found_in(arguments.encode()) == []
        needed = [f"{KEY} as clear"] if process == agent_runner else []
        assert found_in(environment.encode()) == needed, process


def look_at_files(world: World) -> None:
    files = [path for path in world.home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert any(path.suffix == ".db" for path in files)
    assert {str(path): found for path in files if (found := found_in(path.read_bytes()))} == {}


def found_in(content: bytes) -> list[str]:
    return [f"{value} as {name}" for value in (TOKEN, KEY) for name, form in forms(value) if form in content]


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    data = value.encode()
    yield "clear", data
    yield "hex", data.hex().encode()
    # Of a value without special signs these are the clear form again.
    if quote(value, safe="") != value:
        yield "percent", quote(value, safe="").encode()
    if (text := json.dumps(value)[1:-1]) != value:
        yield "JSON", text.encode()
    yield "UTF-16", value.encode("utf-16-le")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            # What stands before it moves the borders of its groups; those at both ends mix with other text.
            yield encode.__name__, encode(b"\0" * offset + data)[4 : len(data) // 3 * 4]


def test_the_search_finds_each_form() -> None:
    data = TOKEN.encode()
    for before in (b"", b"x", b"xy"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            assert found_in(encode(before + data + b"zz"))
    for form in (data, data.hex().encode(), quote(TOKEN, safe="").encode(), json.dumps(TOKEN).encode()):
        assert found_in(b"before" + form + b"after")
    assert found_in(TOKEN.encode("utf-16"))
    assert not found_in(b"hush, and nothing more")
