"""The first moments of the app: the list of the last session stands at once, and what is chosen there is not lost."""

from __future__ import annotations

from tests.e2e.world import World

GREETING = """
from stigmer_tui.sdk import Workflow

with Workflow("greet", namespace="demo") as flow:
    flow.set("hello", text="{text}")
"""


def test_a_run_that_is_asked_for_before_the_daemon_is_there_is_one_of_the_latest_code(world: World) -> None:
    project = world.project(GREETING.format(text="first"))
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("q")
        window.ends()
    assert world.run("server", "stop").code == 0
    (project / "main.py").write_text(GREETING.format(text="second"), encoding="utf-8")
    with world.window(cwd=project) as window:
        window.shows("greet")
        window.press("enter")
        window.shows("✓ completed")
        assert '"text": "second"' in window.text
        window.press("q")
        assert window.ends() == 0
