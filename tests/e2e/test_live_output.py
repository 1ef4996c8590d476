"""A command of an agent is seen while it runs: in the app, also by who comes later, in lines and in JSON lines."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.world import World

CODE = """\
from stigmer_tui.sdk import Agent

Agent("builder", instructions="Build what is to be built.", script="builder.yaml")
"""

SCRIPT = """\
delay: 0
turns:
  - call: { execute: { command: "echo compiling; echo linking; until [ -e go ]; do sleep 0.1; done; echo built" } }
  - say: "It is done"
"""


def project_of(world: World) -> Path:
    project = world.project(CODE)
    (project / "builder.yaml").write_text(SCRIPT, encoding="utf-8")
    return project


def let_go(world: World) -> None:
    for folder in world.home.workspace.iterdir():
        (folder / "go").touch()


def test_the_app_shows_it_and_so_does_one_that_is_opened_later(world: World) -> None:
    project = project_of(world)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("Run builder")
        window.type("go")
        window.press("enter")
        window.shows("┃ linking")
        window.press("q")
        window.shows("[Qq]uit|go on")
        window.press("q")
    (execution,) = world.run("execution", "list", "--output", "name").out.split()
    with world.window("run", "--resume", execution, "--output", "text", cwd=project) as window:
        window.shows("│ linking")
        let_go(world)
        window.shows("│ built")
        window.shows("It is done")
        assert window.ends() == 0


def test_what_was_put_out_stays_when_the_run_is_cancelled(world: World) -> None:
    project = project_of(world)
    with world.started("run", "builder", "-m", "go", "--output", "json", cwd=project) as process:
        assert process.stdout is not None
        outputs = []
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "started":
                execution = event["execution_id"]
            if event["event"] == "output":
                outputs.append((event["before"], event["text"]))
                if "".join(text for _, text in outputs) == "compiling\nlinking\n":
                    break
        assert [before for before, _ in outputs] == [0, 10][: len(outputs)]
        assert world.run("execution", "cancel", execution).code == 0
        calls = [event for event in map(json.loads, process.stdout) if event["event"] == "tool_call"]
    assert calls[-1]["state"] == "failed"
    assert calls[-1]["result"].startswith("compiling\nlinking\n[no exit code")
