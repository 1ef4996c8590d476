"""Pictures of the real program at work, for the README: a fresh home, a new project, keys, and what is seen then."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from tests.e2e.test_tasks import project_with_a_task
from tests.e2e.window import Window
from tests.e2e.world import World
from tests.pictures import draw

PICTURES = Path(__file__).parents[1] / "screenshots"

WIDE, MEDIUM, NARROW = (150, 40), (120, 34), (80, 24)

PAINTING = 0.4
"""Seconds in which the program paints all that it has to paint."""


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    # The same each time, as Python's words about a mistake in the code name it.
    home = Path(tempfile.gettempdir(), "ada")
    home.mkdir()
    world = World(home)
    try:
        project = world.new_project("tea-shop")
        work_on(world, project)
        other_sizes(world, project)
        headless(world, project)
        two_agents(world)
    finally:
        world.close()
        shutil.rmtree(home)


def work_on(world: World, project: Path) -> None:
    """One sitting in a large window."""
    with world.window(cwd=project, width=WIDE[0], height=WIDE[1]) as window:
        window.shows("3 created")
        window.shows("✓ ready")
        take(window, "picker", "The picker: the project's workflow and agents, and the daemon beside them")
        window.press("enter")
        window.shows("Assam for Ada")
        take(window, "running", "A workflow runs: its tasks as they come, and what they give")
        window.shows("✓ completed")
        take(window, "workflow", "The workflow has ended: the agent's letter as it was streamed")
        window.press("t")
        window.shows("quiet-day")
        take(window, "tasks", "The same run as a tree of tasks")
        window.press("t")
        break_and_mend(window, project)
        window.press("esc")
        window.shows("enter run")
        window.press("j", "j", "enter")
        window.shows("Run note-keeper")
        window.type("Order more Assam before Friday.")
        window.shows("before Friday")
        take(window, "form", "The form for what a run is started with")
        window.press("enter")
        window.shows("note-keeper +✓ completed")
        take(window, "agent", "An agent's transcript: tool calls with their times, and its answer")
        window.press("2", "i")
        window.type("Order 500 g of Assam before Friday.")
        window.press("enter")
        window.shows("wants to run")
        take(window, "approval", "The second message of a conversation: the agent waits for an approval")
        # A question takes no answer in its first moment.
        window.read_for(PAINTING)
        window.press("a")
        window.shows("It reads now")
        window.shows("note-keeper +✓ completed")
        take(window, "conversation", "The call was allowed, and the conversation goes on")
        window.press("R")
        window.shows("filled by")
        take(window, "request", "What the model was asked, what fills its context, and what is new")
        window.press("esc")
        window.no_longer_shows("filled by")
        window.press("h")
        window.shows("space mark")
        window.press("d")
        window.shows("side by side")
        take(window, "comparison", "A run and the one before: figures, steps, and how what came of them differs")
        window.press("esc")
        window.shows("space mark")
        window.press("esc")
        window.no_longer_shows("space mark")
        window.press("?")
        window.shows("type to filter")
        take(window, "keys", "Every key")
        window.press("esc")
        window.no_longer_shows("type to filter")
        window.press("q")
        window.ends()


def break_and_mend(window: Window, project: Path) -> None:
    main_file = project / "main.py"
    good = main_file.read_text(encoding="utf-8")
    main_file.write_text(good.replace("seconds=1", "second=1"), encoding="utf-8")
    window.shows("TypeError")
    take(window, "mistake", "A mistake in the code: the words of Python, with file and line, above the last good run")
    main_file.write_text(good.replace("250", "500"), encoding="utf-8")
    window.no_longer_shows("TypeError")
    window.shows("main.py changed")
    window.shows("500 g of Assam")
    take(window, "watch", "The code was mended and saved: the workflow runs again, and the pane says why")
    window.shows("✓ completed")
    window.shows("✗ settle-orders")
    window.press("3", "enter")
    window.shows("Test settle-orders is not as expected")
    window.shows("settle-orders +✗ failed")
    take(window, "failed-test", "A test of what was saved has failed: its run, and what is not as expected")
    main_file.write_text(good, encoding="utf-8")
    window.shows("Test settle-orders passes")


def other_sizes(world: World, project: Path) -> None:
    for name, (width, height) in {"medium": MEDIUM, "narrow": NARROW}.items():
        with world.window(cwd=project, width=width, height=height) as window:
            window.shows("settle-orders")
            window.shows("✓ daemon|✓ ready|●")
            window.press("enter")
            window.shows("✓ completed")
            take(window, name, f"The same in a window of {width} columns")
            window.press("q")
            window.ends()


def headless(world: World, project: Path) -> None:
    with world.window("run", "settle-orders", cwd=project, width=100, height=64) as window:
        window.ends()
        take(window, "headless", "The same run without a screen")


def two_agents(world: World) -> None:
    """Stand-ins for coding agents of others."""
    with world.window(cwd=project_with_a_task(world), width=MEDIUM[0], height=24) as window:
        window.shows("✓ daemon|✓ ready|●")
        window.type("/tidy\r")
        window.shows("Tidy up the docs")
        window.press("enter")
        window.shows("several work side by side")
        window.press("enter")
        window.shows("✓ completed")
        window.press("b")
        window.shows(r"✓ one +completed +✓ two +completed")
        take(window, "side-by-side", "Two agents on one task: time, tokens, cost, commits, and what each did")
        window.press("esc")
        window.no_longer_shows("agents side by side")
        window.press("q")
        window.ends()


def take(window: Window, name: str, title: str) -> None:
    window.read_for(PAINTING)
    (PICTURES / f"{name}.svg").write_text(draw(window.screen, title), encoding="utf-8")
    sys.stdout.write(f"screenshots/{name}.svg\n")


if __name__ == "__main__":
    main()
