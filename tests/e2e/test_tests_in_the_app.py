"""Tests of a project in the app: those of what was saved run beside the person's own run, and runs become tests."""

from __future__ import annotations

from tests.e2e.projects import change
from tests.e2e.world import World


def test_a_save_runs_the_tests_of_what_it_changes_and_a_failed_one_opens_with_its_difference(world: World) -> None:
    project = world.new_project()
    with world.window(cwd=project) as window:
        window.shows("applied")
        window.shows(r"Tests +3 not run")
        change(project, "warm, short", "warm, brief")
        window.shows(r"Tests +2 ✗")
        window.shows("✗ settle-orders")
        window.press("3", "enter")
        window.shows("✗ Test host is not as expected +tests/host.yaml")
        window.shows("- You write to the customers of a small tea shop: warm, short, in Markdown")
        window.shows("host .* ✗ failed")
        row = next(number for number, line in enumerate(window.text.splitlines()) if "✗ settle-orders" in line)
        window.click(window.screen.columns - 10, row)
        window.shows("✗ Test settle-orders is not as expected")
        change(project, "warm, brief", "warm, short")
        window.shows("✓ Test settle-orders passes")
        window.shows(r"Tests +2 ✓")
        window.shows("settle-orders .* ✓ completed")
        window.press("q")
        assert window.ends() == 0
    assert world.run("execution", "list", "--output", "name").out == "", "runs of tests are in no list"
    assert world.run("sessions", "list", "--output", "name").out == ""
    assert list(world.home.workspace.iterdir()) == []


def test_a_past_run_becomes_a_test_by_a_key_and_that_runs_at_once(world: World) -> None:
    project = world.new_project()
    ran = world.run("run", "host", "--message", "Thank Grace", cwd=project)
    assert ran.code == 0, ran.err
    with world.window(cwd=project) as window:
        window.shows("Recent runs")
        window.shows("3 not run")
        window.press("j", "j", "j", "E")
        window.shows("Wrote tests/host-2.yaml; edit what it expects")
        window.shows(r"Tests +1 ✓")
        test = project / "tests" / "host-2.yaml"
        text = test.read_text(encoding="utf-8")
        assert "message: Thank Grace" in text
        test.write_text(text.replace("agent: host", "agnet: host", 1), encoding="utf-8")
        window.shows(r"Tests +1 ✗")
        window.press("3", "enter")
        window.shows("host-2 was not run: tests/host-2.yaml:2:1 agnet is no key here; did you mean agent")
        window.press("q")
        assert window.ends() == 0
