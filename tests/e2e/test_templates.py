"""Every template of `new` is a project that runs at once, offline, and passes its own tests."""

from __future__ import annotations

import shutil

import pytest

from stigmer_tui.project.scaffold import TEMPLATES
from tests.e2e.world import World

PROGRAMS = {"go": "go", "node": "node"}
"""What those need that are not in Python."""

RUNS = {"agent": "clerk", "mcp": "clerk"}


@pytest.mark.parametrize("template", [template.name for template in TEMPLATES])
def test_it_runs_and_passes_its_tests(shared_world: World, template: str) -> None:
    world = shared_world
    program = PROGRAMS.get(template)
    if program and shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    made = world.run("new", f"{template}-shop", "--template", template)
    assert (made.code, made.err) == (0, "")
    assert "⚠️" not in made.out
    project = world.folder / f"{template}-shop"
    before = sorted(project.rglob("*"))
    ran = world.run("run", RUNS.get(template, "settle-orders"), "--output", "json", cwd=project)
    assert ran.code == 0, ran.out + ran.err
    assert ran.events[-1]["output"]
    tested = world.run("test", cwd=project)
    assert (tested.code, tested.err) == (0, ""), tested.out
    assert "failed" not in tested.out
    written = [path for path in sorted(project.rglob("*")) if path not in before and "__pycache__" not in path.parts]
    assert written == []


def test_a_terminal_is_asked_which(world: World) -> None:
    with world.window("new", "shop", cwd=world.folder) as window:
        window.shows("^Select template:")
        window.shows("agent-workflow - Python: a workflow and the agents")
        window.type("mcp")
        window.press("enter")
        window.shows("Selected: mcp")
        window.shows("Open it: stigmer-tui shop")
    assert (world.folder / "shop" / "stock.py").is_file()


def test_where_the_program_is_missing_it_says_so(world: World) -> None:
    world.variables = {"PATH": str(world.folder)}
    made = world.run("new", "shop", "--template", "node")
    assert (made.code, "It needs node, which is not on your PATH" in made.out) == (0, True)
