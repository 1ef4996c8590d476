"""An agent's calls wait for a person at a real app, with a real daemon; its runner is killed meanwhile."""

from __future__ import annotations

from pathlib import Path

from stigmer_tui.tui.widgets.approval_panel import GRACE
from tests.e2e.world import World

CODE = """
from stigmer_tui.sdk import Agent

Agent("cleaner", instructions="Clean up what you are asked to.", script="cleaner.yaml")
"""

SCRIPT = """
delay: 0
turns:
  - call: { execute: { command: "echo once >> log.txt; cat log.txt" } }
  - call: { execute: { command: "rm log.txt" } }
  - say: "Told: {{execute}}"
"""


def cleaner(world: World) -> Path:
    project = world.project(CODE, "cleaner")
    (project / "cleaner.yaml").write_text(SCRIPT, encoding="utf-8")
    with (project / "Stigmer.yaml").open("a", encoding="utf-8") as file:
        file.write("approve: [execute]\n")
    return project


def test_one_call_is_allowed_and_one_denied_though_the_runner_is_killed(world: World) -> None:
    project = cleaner(world)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("Message")
        window.press("enter")
        window.shows(r"execute  echo once >> log.txt; cat log.txt +wants to run")
        world.runner("agent-runner").kill()
        window.read_for(2 * GRACE)
        window.press("a")
        window.shows(r"execute  rm log.txt +wants to run")
        window.read_for(2 * GRACE)
        window.press("d")
        window.shows("Deny execute")
        window.type("keep it")
        window.press("enter")
        window.shows("Told: The call was denied: keep it")
        window.shows("✓ completed")
        window.press("q")
        assert window.ends() == 0
    (log,) = world.home.workspace.glob("*/log.txt")
    assert log.read_text(encoding="utf-8") == "once\n"


def test_without_a_terminal_a_call_is_denied_and_from_outside_it_is_decided_on(world: World) -> None:
    project = cleaner(world)
    denied = world.run("run", "cleaner", cwd=project)
    assert denied.code == 0, denied.err
    assert "The call was denied: nobody is at the terminal of this run who could allow it" in denied.out
    process = world.started("run", "cleaner", "--on-approval", "wait", cwd=project)
    assert process.stdout is not None
    commands = (line.partition("stigmer-tui ")[2].split() for line in process.stdout if "stigmer-tui approve" in line)
    changed = world.run(*next(commands), "--args", '{"command": "echo changed"}')
    assert changed.out == "✓ Allowed the call of execute, with other arguments\n", changed.err
    refused = world.run(*next(commands), "--deny", "keep it")
    assert refused.out == "✓ Denied the call of execute\n", refused.err
    out, _ = process.communicate(timeout=60)
    assert "Told: The call was denied: keep it" in out
    assert process.returncode == 0


def test_at_a_terminal_the_person_is_asked_line_by_line(world: World) -> None:
    project = cleaner(world)
    with world.window("run", "cleaner", cwd=project) as window:
        window.shows("d deny:$")
        window.type("e\r")
        window.shows("new, as JSON:$")
        window.type('{"command": "echo changed"}\r')
        window.shows('"rm log.txt"}')
        window.shows("d deny:$")
        window.type("d\r")
        window.shows("why, for the agent:$")
        window.type("keep it\r")
        window.shows("Told: The call was denied: keep it")
        assert window.ends() == 0
