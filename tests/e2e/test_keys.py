"""Point 21: a key that the person has and the daemon has not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.e2e.projects import GREETING
from tests.e2e.world import World, eventually

KEY = "sk-e2e-0123456789abcdef"


def test_run_and_the_app_hand_it_over_and_say_so(world: World) -> None:
    project = world.project(GREETING)
    assert world.run("server", "start").code == 0
    world.variables = {"OPENAI_API_KEY": KEY}
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.shows("openai gpt")
        window.press("q")
        assert window.ends() == 0
    assert world.run("server", "restart").code == 0
    world.variables = {}
    assert world.run("server", "restart").code == 0
    world.variables = {"ANTHROPIC_API_KEY": KEY}
    ran = world.run("run", "greet", cwd=project)
    assert ran.code == 0, ran.err
    assert "Handed ANTHROPIC_API_KEY to the daemon, which had no such key (kept in memory only)" in ran.out

    def model() -> str | None:
        # It has no model before the agent runner has attached.
        model = json.loads(world.run("server", "status", "--output", "json").out).get("model", "")
        return model if model.startswith("anthropic") else None

    assert eventually(model, "the model to be the provider's")
    assert "Handed" not in world.run("run", "greet", cwd=project).out
    for path in Path(world.home.root).rglob("*"):
        assert not (path.is_file() and KEY.encode() in path.read_bytes()), path
