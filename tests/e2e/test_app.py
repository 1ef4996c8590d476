"""The main path through a terminal: from a fresh home to a live run that runs again when a file is saved."""

from __future__ import annotations

from tests.e2e.world import World


def test_from_a_new_project_to_a_run_that_follows_the_code(world: World) -> None:
    project = world.new_project()
    with world.window(cwd=project) as window:
        window.shows("3 created")
        window.press("enter")
        window.shows("Your tea is on its way")
        window.shows("✓ completed")
        main = project / "main.py"
        good = main.read_text(encoding="utf-8")
        main.write_text(good.replace("Grace", "Barbara"), encoding="utf-8")
        window.shows("main.py changed")
        window.shows("Gunpowder for Barbara")
        window.shows("✓ completed")
        window.press("q")
        assert window.ends() == 0
