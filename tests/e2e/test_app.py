"""The app in a terminal: from a fresh home to a live run that runs again when a file is saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.e2e.projects import GREETING, WAITING, change
from tests.e2e.world import World, eventually


def test_from_a_new_project_to_a_run_that_follows_the_code(world: World) -> None:
    project = world.new_project()
    with world.window(cwd=project) as window:
        window.shows("3 created")
        window.press("enter")
        window.shows("Your tea is on its way")
        change(project, "Grace", "Barbara")
        window.shows("main.py changed")
        window.shows("Gunpowder for Barbara")
        window.shows("✓ completed")
        window.press("q")
        assert window.ends() == 0


def test_a_mistake_is_told_above_the_last_good_run_and_goes_when_it_is_mended(world: World) -> None:
    project = world.project(GREETING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("✓ completed")
        change(project, '"Hello, Ada"', "nobody")
        window.shows("main.py:4 NameError: name 'nobody' is not defined")
        window.shows("✓ completed")
        window.shows("Hello, Ada")
        change(project, "nobody", '"Hello, Grace"')
        window.shows("Hello, Grace")
        window.shows("✓ completed")
        window.no_longer_shows("NameError")


def test_what_is_saved_while_nobody_watches_is_deployed_when_somebody_watches_again(world: World) -> None:
    project = world.project(GREETING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("✓ completed")
        window.press("w")
        window.shows("w watch on")
        change(project, "Ada", "Grace")
        window.shows(r"main\.py \(\+1 −1\)")
        window.shows("Hello, Ada")
        window.press("w")
        window.shows("Hello, Grace")
        window.shows("1 updated")


def test_a_run_that_is_made_stale_by_a_save_is_cancelled(world: World) -> None:
    project = world.project(WAITING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("◔ rest")
        change(project, '"one"', '"uno"')
        window.shows(r"⊘ wait-long +now")
        window.shows("run 2 · main.py changed")
        window.shows("◔ rest")


def test_a_run_is_cancelled_with_its_key(world: World) -> None:
    project = world.project(WAITING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("◔ rest")
        window.press("c")
        window.shows("⊘ cancelled")
        window.no_longer_shows("c cancel")
        window.press("q")
        assert window.ends() == 0


def test_quitting_with_a_run_asks_and_the_run_goes_on(world: World) -> None:
    project = world.project(WAITING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("◔ rest")
        window.press("q")
        window.shows("1 run in progress: wait-long")
        window.press("enter")
        assert window.ends() == 0
    with world.window(cwd=project) as window:
        window.shows("1 unchanged")
        window.press("j", "enter")
        window.shows("◔ rest")
        window.press("c")
        window.shows("⊘ cancelled")


def test_an_old_run_is_opened_in_a_later_session(world: World) -> None:
    project = world.project(GREETING)
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows("✓ completed")
        window.press("q")
        assert window.ends() == 0
    assert world.run("server", "stop").code == 0
    with world.window(cwd=project) as window:
        window.shows("✓ greet")
        window.shows("✓ ready")
        window.press("j", "enter")
        window.shows("✓ completed")
        window.shows("Hello, Ada")


def test_the_main_path_in_a_narrow_window(world: World) -> None:
    project = world.project(GREETING)
    with world.window(cwd=project, width=80, height=24) as window:
        window.shows("1 Picker")
        window.shows("greet")
        window.shows("✓ daemon")
        window.press("enter")
        window.shows("✓ completed")
        window.shows("Hello, Ada")
        change(project, "Ada", "Grace")
        window.shows("Hello, Grace")
        window.press("3")
        window.shows("Daemon +✓ ready")
        window.press("1")
        window.shows("Recent runs")
        window.press("q")
        assert window.ends() == 0


def test_in_the_locale_c_every_sign_is_ascii(world: World) -> None:
    """Point 26: on the screen, and without it."""
    world.variables = {"LC_ALL": "C"}
    project = world.project(GREETING.replace("Ada", "Ada ✓ 日本"))
    with world.window(cwd=project) as window:
        window.shows("1 created")
        window.press("enter")
        window.shows(r"\+ completed")
        window.shows(r"Hello, Ada \+ \? \?")
        assert window.text.isascii()
        window.press("q")
        assert window.ends() == 0
    finished = world.run("run", cwd=project)
    assert (finished.code, finished.err) == (0, "")
    assert finished.out.isascii()
    assert "+ Task: result [Completed]" in finished.out


def test_the_source_of_what_is_selected_is_opened_at_its_line(world: World, tmp_path: Path) -> None:
    project, opened = world.project(f"\n\n{GREETING}"), tmp_path / "opened"
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho "$@" > {opened}\n', encoding="utf-8")
    editor.chmod(0o755)
    with replace(world, variables={"EDITOR": str(editor)}).window(cwd=project) as window:
        window.shows("Defined in +main.py:")
        line = next(
            number
            for number, text in enumerate((project / "main.py").read_text().splitlines(), 1)
            if "Workflow(" in text
        )
        window.press("o")
        wanted = f"+{line} {project}/main.py\n"
        eventually(lambda: (opened.exists() and opened.read_text() == wanted) or None, "the editor to be opened")
        window.shows(f"Defined in +main.py:{line}")
        window.press("q")
        assert window.ends() == 0
