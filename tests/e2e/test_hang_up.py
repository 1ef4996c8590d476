"""Point 4: no app outlives its terminal, whoever started it and whatever it is doing; and a signal ends it always."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.cells import Cell, cell, in_make, in_tmux, stand_in, tmux
from tests.e2e.projects import GREETING
from tests.e2e.test_terminal import is_restored
from tests.e2e.world import PROGRAM, World


def in_shell(*shell: str) -> Callable[[str, Path], list[str]]:
    # What follows the program keeps the shell from becoming it.
    return lambda program, folder: [*shell, f"{program}; true"]


LAUNCHERS: dict[str, Callable[[str, Path], list[str]]] = {
    "alone": lambda program, folder: shlex.split(program),
    "make": in_make,
    "sh": in_shell("sh", "-c"),
    "bash -c": in_shell("bash", "-c"),
    "bash -ic": in_shell("bash", "--norc", "-ic"),
    "login shell": lambda program, folder: ["bash", "--norc", "-i"],
    "script": lambda program, folder: ["script", "-qec", program, "/dev/null"],
    "tmux": in_tmux,
}

STATES = ("idle", "run shown", "dialog", "flood")


def hang_up(one: Cell, launcher: str, folder: Path) -> None:
    match launcher:
        case "tmux":
            subprocess.run([*tmux(folder), "kill-pane"], check=True)
        case "script":
            # It is the terminal of what it runs, and lives on without one as long as it has nothing to write.
            psutil.Process(one.window.pid).kill()
        case _:
            one.close_window()


@pytest.mark.parametrize(
    ("launcher", "state"),
    [
        ("alone", "flood"),
        ("make", "flood"),
        ("sh", "dialog"),
        ("bash -c", "idle"),
        ("bash -ic", "flood"),
        ("login shell", "dialog"),
        ("script", "idle"),
        ("tmux", "flood"),
    ],
)
def test_the_terminal_goes(shared_world: World, tmp_path: Path, launcher: str, state: str) -> None:
    with cell(LAUNCHERS[launcher](stand_in(state), tmp_path), shared_world, tmp_path) as one:
        if launcher == "login shell":
            one.window.type(f"{stand_in(state)}\r")
        one.window.shows("a dialog is open" if state == "dialog" else "ready")
        hang_up(one, launcher, tmp_path)
        one.wait_for_the_end()


@pytest.mark.exhaustive
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_terminal_of_the_app_goes(shared_world: World, tmp_path: Path, launcher: str, state: str) -> None:
    project = shared_world.folder / "shop"
    if not project.exists():
        shared_world.project(GREETING)
    program = shlex.join([sys.executable, *PROGRAM, str(project)])
    with cell(LAUNCHERS[launcher](program, tmp_path), shared_world, tmp_path) as one:
        if launcher == "login shell":
            one.window.type(f"{program}\r")
        one.window.shows("greet")
        match state:
            case "run shown":
                one.window.press("enter")
                one.window.shows("✓ completed")
            case "dialog":
                one.window.press("?")
                one.window.shows("[Kk]ey")
            case "flood":
                # Each key is a whole new picture.
                one.window.send(b"[" * 2000)
        hang_up(one, launcher, tmp_path)
        one.wait_for_the_end()


@pytest.mark.parametrize("target", [0, 1], ids=["the program", "the app"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_an_app_whose_loop_is_stuck(
    shared_world: World, tmp_path: Path, number: signal.Signals, target: int
) -> None:
    with cell(LAUNCHERS["alone"](stand_in("idle"), tmp_path), shared_world, tmp_path) as one:
        one.window.shows("ready")
        one.window.press("s")
        one.window.shows("stuck")
        program = psutil.Process(one.window.pid)
        [program, *program.children()][target].send_signal(number)
        assert one.window.ends() == 128 + number
        assert is_restored(one.window)


def test_an_app_whose_parent_is_gone_ends_though_its_loop_is_stuck(shared_world: World, tmp_path: Path) -> None:
    with cell(LAUNCHERS["sh"](stand_in("idle"), tmp_path), shared_world, tmp_path) as one:
        one.window.shows("ready")
        one.window.press("s")
        one.window.shows("stuck")
        psutil.Process(one.window.pid).children()[0].kill()
        one.wait_for_the_end()
