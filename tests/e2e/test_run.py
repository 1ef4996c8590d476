"""Runs without a screen: events for programs, signals, what is left running, and what nobody may ever see."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stigmer_tui.core.clock import parse_timestamp
from tests.e2e.projects import CLERK, GREETING, TALKING, WAITING
from tests.e2e.test_terminal import is_restored
from tests.e2e.window import Window
from tests.e2e.world import PROGRAM, World

TWO = GREETING + TALKING.partition("\n")[2].replace("Agent(", "from stigmer_tui.sdk import Agent\n\nAgent(")

SECRETIVE = """\
from stigmer_tui.sdk import Agent, Workflow, secret

clerk = Agent("clerk", instructions="Answer in one sentence.", script="clerk.yaml", environment=[secret("TOKEN")])

with Workflow("whisper", namespace="shop") as flow:
    flow.set("say", text=f"it is {secret('TOKEN')}")
    answer = flow.call_agent("ask", clerk, message=f"Keep {secret('TOKEN')} for me", env={"TOKEN": secret("TOKEN")})
    flow.set("result", answer=answer.response)
"""

TELLTALE = """\
turns:
  - call:
      execute: { command: "echo $TOKEN; echo $TOKEN > kept" }
  - say: "It is {{execute}}, and you said {{message}}"
"""

TOKEN = "hush-4711-hush"


ASKING = """\
from stigmer_tui.sdk import Workflow, env, secret

with Workflow("greet", namespace="shop") as flow:
    token = secret("TOKEN")
    flow.set("result", said=flow.message, region=env("REGION"), stage=env("STAGE"), token=token)
"""


def test_a_run_anywhere_in_a_project_has_its_defaults(world: World) -> None:
    project = world.project(ASKING)
    with (project / "Stigmer.yaml").open("a", encoding="utf-8") as file:
        file.write("message: Good morning\nenvironment: {REGION: eu, STAGE: test}\n")
    (project / ".env").write_text(f"STAGE=mine\nTOKEN={TOKEN}\n", encoding="utf-8")
    below = project / "notes" / "old"
    below.mkdir(parents=True)
    finished = world.run("run", "greet", "-e", "REGION=us", "--output", "json", cwd=below)
    assert finished.code == 0, finished.out + finished.err
    assert finished.events[0] == {**finished.events[0], "event": "project", "name": "shop"}
    assert finished.events[-1]["output"] | {"token": ""} == {
        "said": "Good morning",
        "region": "us",
        "stage": "mine",
        "token": "",
    }
    assert TOKEN not in finished.out
    assert f"✓ Loaded Stigmer.yaml in {project}" in world.run("apply", cwd=below).out


def test_events(world: World) -> None:
    project = world.project(TALKING)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    finished = world.run("run", "--message", "Hello", "--output", "json", cwd=project)
    assert (finished.code, finished.err) == (0, "")
    events = finished.events
    assert all(event["event"] and parse_timestamp(event["time"]) for event in events)
    kinds = list(dict.fromkeys(event["event"] for event in events))
    assert kinds[:4] == ["project", "manifests", "deployed", "started"]
    assert {"text", "message", "tool_call"} < set(kinds)
    assert events[-1]["event"] == "completed"
    assert events[-1]["output"] == "You said: Hello"
    assert events[-1]["execution_id"] == next(event for event in events if event["event"] == "started")["execution_id"]
    assert told(events) == {0: "Hello", 1: "Let me look.", 3: "You said: Hello"}


def told(events: list[dict[str, object]]) -> dict[int, str]:
    """The messages, put together from their pieces alone."""
    texts: dict[int, str] = {}
    for event in events:
        if event["event"] == "text":
            index, keep, piece = event["index"], event["keep"], event["text"]
            assert isinstance(index, int) and isinstance(keep, int)
            texts[index] = texts.get(index, "")[:keep] + str(piece)
    return texts


def test_failures_are_told_by_the_exit_code_and_the_last_event(world: World) -> None:
    project = world.project(GREETING.replace('"Hello, Ada"', "flow.message.nothing.at_all"))
    finished = world.run("run", "--output", "json", cwd=project)
    assert finished.code == 1
    assert finished.events[-1]["event"] == "failed"
    assert "result" in finished.events[-1]["error"]
    text = world.run("run", cwd=project)
    assert text.code == 1
    assert "❌ Execution failed\nError: " in text.out


def test_a_mistake_in_the_code(world: World) -> None:
    project = world.project(GREETING.replace('"Hello, Ada"', "nobody"))
    finished = world.run("run", cwd=project)
    assert (finished.code, finished.out) == (1, "✓ Loaded Stigmer.yaml\n")
    assert finished.err.endswith("Error: main.py:4 NameError: name 'nobody' is not defined\n")
    assert finished.err.count("Traceback") == 1
    events = world.run("run", "--output", "json", cwd=project).events
    assert events[-1]["event"] == "error"
    assert events[-1]["message"] == "main.py:4 NameError: name 'nobody' is not defined"
    (project / "Stigmer.yaml").write_text("name: shop\nruntime: cobol\n", encoding="utf-8")
    broken = world.run("run", "--output", "json", cwd=project)
    assert (broken.code, broken.events[-1]["event"]) == (1, "error")
    assert broken.err.startswith("Error: Stigmer.yaml:2:1 runtime is 'cobol'\n")


def test_several_resources_and_nobody_to_ask(world: World) -> None:
    project = world.project(TWO)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    finished = world.run("run", cwd=project)
    assert finished.code == 1
    assert finished.err.endswith("  • [Workflow] greet\n  • [Agent] clerk\n")
    with world.window("run", cwd=project) as window:
        window.shows(r"^> 1  \[Workflow\] greet - Says hello")
        window.press("down")
        window.shows(r"^> 2  \[Agent\] clerk")
        window.type("gre")
        window.shows(r"^Select resource to run: gre$")
        window.no_longer_shows("clerk")
        window.press("enter")
        window.shows("✅ Execution completed")
        assert window.ends() == 0
        assert re.findall(r"^(?:>.*|.*Select.*)$", window.text, re.MULTILINE) == ["> [Selected: greet]"]


@pytest.mark.parametrize("key", ["esc", "ctrl+c"])
def test_the_list_is_left_without_a_choice(world: World, key: str) -> None:
    """Point 25."""
    project = world.project(TWO)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    with world.window("run", cwd=project) as window:
        window.shows(r"^> 1 ")
        window.press(key)
        assert window.ends() == 130
        assert is_restored(window)
        assert "Select" not in window.text and "Error" not in window.text


def test_where_nothing_can_be_drawn_in_place_a_number_is_asked_for(world: World) -> None:
    """Point 25."""
    project = world.project(TWO)
    (project / "clerk.yaml").write_text(CLERK, encoding="utf-8")
    with dumb_window(world, project) as window:
        window.shows(r"^  1  \[Workflow\] greet")
        window.press("ctrl+c")
        assert window.ends() == 130
    with dumb_window(world, project) as window:
        window.shows(r"^Number \[1\]:")
        window.type("1\r")
        window.shows("✅ Execution completed")
        assert window.ends() == 0


@contextmanager
def dumb_window(world: World, project: Path) -> Iterator[Window]:
    """`run` on a terminal that can only write line after line."""
    command = [sys.executable, *PROGRAM, "run"]
    start = f"import os; os.environ['TERM'] = 'dumb'; os.execv({sys.executable!r}, {command!r})"
    window = Window(["-c", start], 100, 30, world.environment, project)
    try:
        yield window
    finally:
        window.close()


def test_by_name_and_by_id_from_anywhere(world: World) -> None:
    project = world.project(GREETING)
    assert world.run("apply", cwd=project).code == 0
    named = world.run("run", "greet", "--output", "json")
    assert named.code == 0
    listed = world.run("apply", cwd=project).out
    resource_id = next(word for word in listed.split() if word.startswith("wf_"))
    for reference in (resource_id, resource_id.replace("_", "-", 1)):
        finished = world.run("run", reference, "--output", "json")
        assert (finished.code, finished.events[0]["resource"]) == (0, "greet"), finished.err


def test_an_interrupt_cancels_the_run(world: World) -> None:
    process = world.started("run", "--output", "json", cwd=world.project(WAITING))
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("state") == "waiting":
            break
    process.send_signal(signal.SIGINT)
    last = json.loads(process.stdout.readlines()[-1])
    assert (process.wait(), last["event"]) == (130, "cancelled")
    assert running(world) == 0


def test_watch_deploys_each_save_and_runs_again_until_it_is_interrupted(world: World) -> None:
    project = world.project(GREETING)
    process = world.started("run", "--watch", "--output", "json", cwd=project)
    assert process.stdout is not None
    said: list[str] = []

    def until(*events: str) -> dict[str, object]:
        """The last of the events, which come in this order."""
        assert process.stdout is not None
        awaited = list(events)
        for line in process.stdout:
            event: dict[str, object] = json.loads(line)
            said.append(str(event["event"]))
            if event["event"] == awaited[0]:
                awaited.pop(0)
            if not awaited:
                return event
        raise AssertionError(f"{events} did not come after {said}")

    assert until("watching", "deployed", "started", "completed")["output"] == {"greeting": "Hello, Ada"}
    (project / "main.py").write_text("nobody()\n", encoding="utf-8")
    assert "NameError" in str(until("saved", "error")["message"])
    (project / "main.py").write_text(GREETING.replace("Ada", "Grace"), encoding="utf-8")
    assert until("saved", "deployed", "started", "completed")["output"] == {"greeting": "Hello, Grace"}
    (project / "main.py").write_text(WAITING, encoding="utf-8")
    assert until("saved", "deployed")["created"]
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130


def test_watch_needs_a_project_and_follows(world: World) -> None:
    outside = world.run("run", "greet", "--watch")
    assert (outside.code, outside.err.splitlines()[0]) == (1, "Error: No Stigmer.yaml found in current directory")
    unfollowed = world.run("run", "--watch", "--no-follow")
    assert (unfollowed.code, "leave --no-follow out" in unfollowed.err) == (2, True)


def test_detached_and_unfollowed_runs_go_on(world: World) -> None:
    project = world.project(WAITING)
    process = world.started("run", "--detach", cwd=project)
    assert process.stdout is not None
    for line in process.stdout:
        if "rest [Running]" in line:
            break
    process.send_signal(signal.SIGINT)
    assert "It goes on" in process.stdout.read()
    assert process.wait() == 130
    assert running(world) == 1
    finished = world.run("run", "--no-follow", cwd=project)
    hint = finished.out.splitlines()[-1]
    assert (finished.code, hint.startswith("It goes on. See it to its end: stigmer-tui run --resume wfx_")) == (0, True)
    assert running(world) == 2
    execution = hint.rpartition(" ")[2]
    attached = world.started("run", "--resume", execution, cwd=project)
    assert attached.stdout is not None
    for line in attached.stdout:
        if "rest [Running]" in line:
            break
    attached.send_signal(signal.SIGINT)
    assert (attached.stdout.read(), attached.wait()) == (f"{hint}\n", 130)
    assert running(world) == 2
    assert world.run("execution", "cancel", execution).code == 0
    ended = world.run("run", "--resume", execution)
    assert (ended.code, "Execution cancelled" in ended.out) == (1, True)


def running(world: World) -> int:
    """Executions that go on."""
    status = json.loads(world.run("server", "status", "--output", "json").out)
    assert status["running"] is True
    return int(status["executions"])


def test_a_secret_is_never_shown_or_stored_in_clear(world: World) -> None:
    project = world.project(SECRETIVE)
    (project / "clerk.yaml").write_text(TELLTALE, encoding="utf-8")
    for arguments in ((), ("--output", "json")):
        finished = world.run("run", "whisper", "--runtime-env", f"secret:TOKEN={TOKEN}", *arguments, cwd=project)
        assert finished.code == 0, finished.err
        assert "[REDACTED]" in finished.out
        assert TOKEN not in finished.out + finished.err
    assert world.run("server", "stop").code == 0
    holders = {file.name for file in world.home.root.rglob("*") if file.is_file() and holds(file, TOKEN)}
    # What the agent itself was told to write down, in its own folder.
    assert holders == {"kept"}


def holds(file: Path, text: str) -> bool:
    return text.encode() in file.read_bytes()


HOSTILE = r"a\x1b[2Jb\x1b]0;owned\x07c\x9b31md\x00e\u202ef\x08g"


def test_in_a_pipe_there_is_no_colour_and_no_cursor(world: World) -> None:
    """Point 36: whatever the texts contain."""
    said = f'print("{HOSTILE}", end="\\r")\n'
    project = world.project(said + GREETING.replace("Hello, Ada", HOSTILE).replace("Says hello", HOSTILE))
    for command in ("run", "run --output json", "apply", "server status", "server logs", "--help"):
        finished = world.run(*command.split(), cwd=project)
        assert finished.out
        assert not set("\x1b\r\x07\x9b\x00\u202e\x08") & set(finished.out + finished.err), command


def test_a_reader_that_has_seen_enough(world: World) -> None:
    command = [sys.executable, *PROGRAM, "run"]
    with subprocess.Popen(
        command,
        cwd=world.project(GREETING),
        env=world.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "✓ Loaded Stigmer.yaml\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + signal.SIGPIPE
