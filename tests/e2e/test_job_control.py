"""Point 40: a suspended app gives the terminal back, with its whole job, and takes it again with `fg`."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.e2e.cells import Cell, cell, in_make, in_tmux, stand_in, tmux
from tests.e2e.test_terminal import is_restored
from tests.e2e.world import World, eventually

SHELL = ["bash", "--norc", "--noediting", "-i"]


def ctrl_z(one: Cell) -> None:
    one.window.press("ctrl+z")


def stop_the_parent(one: Cell) -> None:
    parent = one.app().parent()
    assert parent
    parent.send_signal(signal.SIGTSTP)


def stop_the_app(one: Cell) -> None:
    one.app().send_signal(signal.SIGTSTP)


def is_stopped(one: Cell) -> bool:
    """Every process but the shell."""
    return all(process.status() == psutil.STATUS_STOPPED for process in one.processes()[1:])


@pytest.mark.parametrize("stop", [ctrl_z, stop_the_parent, stop_the_app])
@pytest.mark.parametrize("launcher", ["a shell", "make in a shell"])
def test_suspended_and_resumed(
    shared_world: World, tmp_path: Path, launcher: str, stop: Callable[[Cell], None]
) -> None:
    program = stand_in("idle")
    with cell(SHELL, shared_world, tmp_path) as one:
        window = one.window
        window.type((shlex.join(in_make(program, tmp_path)) if "make" in launcher else program) + "\r")
        window.shows("ready")
        for _ in range(2):
            stop(one)
            window.shows(r"\[1\]\+ +Stopped")
            assert is_restored(window)
            eventually(lambda: is_stopped(one) or None, "the whole job to stop")
            window.type("clear; fg\r")
            window.shows("ready")
            eventually(lambda: (window.read(0.05) is not None and not is_restored(window)) or None, "a full screen")
        window.press("q")
        window.shows(r"shell> *$")
        assert is_restored(window)


def test_suspended_in_tmux(shared_world: World, tmp_path: Path) -> None:
    def in_alternate_screen() -> bool:
        query = [*tmux(tmp_path), "display-message", "-p", "#{alternate_on}#{mouse_any_flag}"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip() != "00"

    with cell(in_tmux(shlex.join(SHELL), tmp_path), shared_world, tmp_path) as one:
        one.window.type(f"{stand_in('idle')}\r")
        one.window.shows("ready")
        one.window.press("ctrl+z")
        one.window.shows(r"\[1\]\+ +Stopped")
        assert not in_alternate_screen()
        one.window.type("fg\r")
        one.window.shows("^ready")
        assert in_alternate_screen()
        one.window.press("q")
        eventually(lambda: None if in_alternate_screen() else True, "the app to leave")


def test_nobody_could_resume_it(shared_world: World, tmp_path: Path) -> None:
    """As the only program of its terminal, as over `ssh -t`, it goes on at once."""
    with cell(shlex.split(stand_in("idle")), shared_world, tmp_path) as one:
        one.window.shows("ready")
        one.window.press("ctrl+z")

        def ended() -> bool | None:
            # A key that comes while the app gives the terminal back is dropped with it.
            if one.window.exit_code is None:
                one.window.press("q")
            return True if one.window.exit_code is not None else None

        eventually(ended, "the app to end")
        assert one.window.exit_code == 0


def test_a_signal_that_comes_as_the_loop_falls_asleep(shared_world: World, tmp_path: Path) -> None:
    """Nothing interrupts the sleep, so that only the parent can have the app look."""
    with cell(shlex.split(stand_in("deaf")), shared_world, tmp_path) as one:
        one.window.shows("ready")
        app = one.app()

        def is_asleep() -> bool | None:
            spent = app.cpu_times()
            one.window.read(0.1)
            return (app.cpu_times() == spent and app.status() == psutil.STATUS_SLEEPING) or None

        eventually(is_asleep, "the app to have nothing to do")
        app.send_signal(signal.SIGUSR1)
        one.window.shows("heard")
