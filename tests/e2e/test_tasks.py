"""A task of a project in the app: two stand-ins for coding agents work on it, and are looked at side by side."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.cells import in_tmux, tmux
from tests.e2e.window import PATIENCE, Window
from tests.e2e.world import PROGRAM, World

PROJECT = """\
name: shop
runtime: python
tasks:
  tidy: {prompt: prompts/tidy.md, agents: [one, two], requires_commit: true}
"""

AGENTS = """\
agent_clis:
  one: {command: [sh, "{folder}/agent.sh", one, "{prompt}"], format: claude}
  two: {command: [sh, "{folder}/agent.sh", two, "{prompt}"], format: claude}
"""


def line(**values: object) -> str:
    return f"echo '{json.dumps(values)}'"


RESULT = {"is_error": False, "usage": {"input_tokens": 90, "output_tokens": 10}, "total_cost_usd": 0.25}
GIT = "git -c user.name=agent -c user.email=agent@example.com"
SCRIPT = "\n".join(
    [
        line(type="assistant", message={"content": [{"type": "text", "text": "I tidy"}]}),
        # Both are under way at the same time: each waits for the other.
        'touch "$(git rev-parse --git-common-dir)/$1"',
        'until [ -e "$(git rev-parse --git-common-dir)/one" ] && [ -e "$(git rev-parse --git-common-dir)/two" ]',
        "do sleep 0.05; done",
        f"echo $1 > docs.txt; git add docs.txt; {GIT} commit -qm 'Tidy the docs'",
        line(type="result", **RESULT),
    ]
)


def project_with_a_task(world: World) -> Path:
    """On which two agents can work."""
    project = world.project("", "docs")
    world.home.root.mkdir(exist_ok=True)
    world.home.configuration.write_text(AGENTS, encoding="utf-8")
    (project / "Stigmer.yaml").write_text(PROJECT, encoding="utf-8")
    (project / "prompts").mkdir()
    (project / "prompts" / "tidy.md").write_text("Tidy up the docs.\n", encoding="utf-8")
    (project / "agent.sh").write_text(SCRIPT, encoding="utf-8")
    subprocess.run(f"git init -q && git add . && {GIT} commit -qm First", shell=True, cwd=project, check=True)
    return project


def test_two_agents_side_by_side(world: World) -> None:
    with world.window(cwd=project_with_a_task(world)) as window:
        window.shows("Tasks")
        window.shows("tidy")
        window.press("enter")
        window.shows("several work side by side")
        window.press("enter")
        window.shows("Tidy up the docs")
        window.shows("✓ completed")
        window.shows("✓ tidy by one")
        window.press("b")
        window.shows("2 agents side by side")
        window.shows(r"✓ one +completed +✓ two +completed")
        facts = r"100 tokens · \$0.2500 · 1 commit, 1 file \+1 −0"
        window.shows(f"{facts} .*{facts}")
        window.press("esc")
        window.no_longer_shows("2 agents side by side")
        window.press("h")
        window.shows("2 found")
        window.type("/docs")
        window.shows(r"Runs · docs")
        window.shows("2 found")
        window.press("enter", "d")
        window.shows("tidy by (one|two) +tidy by (two|one)")
        window.shows(r"docs.txt  \+1 −0 ⇄ \+1 −0")
        window.press("esc", "esc")
        window.no_longer_shows("2 found")
        window.press("q")
        assert window.ends() == 0
    listed = world.run("execution", "list", "--output", "json").out
    runs = json.loads(listed)
    assert sorted((run["kind"], run["resource"], run["message"], run["state"]) for run in runs) == [
        ("task", "tidy", "one", "completed"),
        ("task", "tidy", "two", "completed"),
    ]


TOLD = b"\x1b]777;notify;\\[debug_hello_simple\\] one \xe2\x80\x94 SUCCESS [^\x07]*;done\x07"
COMMAND = ("task", "run", "--agent", "one", "--task", "debug_hello_simple")


def folder_with_an_agent(world: World) -> Path:
    """A person there wants to be told by the terminal."""
    world.home.root.mkdir(exist_ok=True)
    agent = 'agent_clis: {one: {command: [printf, "done %.0s", "{prompt}"], format: plain}}\nnotify: osc777\n'
    world.home.configuration.write_text(agent, encoding="utf-8")
    return world.project("")


def test_a_terminal_is_told_of_the_end_and_a_pipe_is_not(world: World) -> None:
    folder = folder_with_an_agent(world)
    with world.window(*COMMAND, cwd=folder) as window:
        window.wait_for(TOLD, PATIENCE)
        assert window.ends() == 0
        assert "777" not in window.text
    assert "\x1b" not in world.run(*COMMAND, cwd=folder).out


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_tmux_hands_it_on_where_it_may(world: World) -> None:
    folder = folder_with_an_agent(world)
    run = shlex.join([sys.executable, *PROGRAM, *COMMAND])
    inside = f"{shlex.join(tmux(world.folder))} set -p allow-passthrough on; {run}; read line"
    outside = f"import os; os.execvp('tmux', {in_tmux(inside, world.folder)!r})"
    window = Window(["-c", outside], 100, 30, world.environment, folder)
    try:
        window.wait_for(TOLD, PATIENCE)
        window.shows("done")
    finally:
        subprocess.run([*tmux(world.folder), "kill-server"], check=True)
        window.close()
