"""The terminal comes back from every end of the app, and the exit code tells the truth."""

from __future__ import annotations

import signal
import termios
from collections.abc import Callable

import psutil
import pytest

from tests.e2e.projects import GREETING
from tests.e2e.window import Window
from tests.e2e.world import World


def press(key: str) -> Callable[[Window], None]:
    return lambda window: window.press(key)


def tell_the_program(number: int) -> Callable[[Window], None]:
    return lambda window: psutil.Process(window.pid).send_signal(number)


def tell_the_app(number: int) -> Callable[[Window], None]:
    """The process that paints; the one that was started only waits for it."""
    return lambda window: psutil.Process(window.pid).children()[0].send_signal(number)


WAYS_OUT: dict[str, tuple[Callable[[Window], None], int]] = {
    "q": (press("q"), 0),
    "ctrl+c": (press("ctrl+c"), 0),
    "ctrl+q": (press("ctrl+q"), 0),
    "SIGTERM": (tell_the_program(signal.SIGTERM), 128 + signal.SIGTERM),
    "SIGHUP": (tell_the_program(signal.SIGHUP), 128 + signal.SIGHUP),
    "kill -9 of the app": (tell_the_app(signal.SIGKILL), 128 + signal.SIGKILL),
    "a crash in native code": (tell_the_app(signal.SIGSEGV), 128 + signal.SIGSEGV),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_a_way_out(shared_world: World, way: str) -> None:
    leave, code = WAYS_OUT[way]
    with shared_world.window(cwd=shared_world.folder) as window:
        window.shows("✓ ready")
        assert not is_restored(window)
        leave(window)
        assert window.ends() == code
        assert is_restored(window)
        assert ("ended unexpectedly" in window.text) == (code in (128 + signal.SIGKILL, 128 + signal.SIGSEGV))


def test_settings_that_cannot_be_read(world: World) -> None:
    world.home.root.mkdir()
    world.home.configuration.write_text("organization: [1]\n", encoding="utf-8")
    project = world.project(GREETING)
    with world.window(cwd=project) as window:
        assert window.ends() == 1
        assert is_restored(window)
        window.shows(r"Error: .*config\.yaml:1:1 must be a plain value")
        assert "unexpectedly" not in window.text


BROKEN_HELP = """
import sys

class Broken:
    def find_spec(self, name, path, target=None):
        if name == "stigmer_tui.tui.screens.help":
            raise ZeroDivisionError("help")

sys.meta_path.insert(0, Broken())
"""


def test_an_error_of_our_own_is_a_line_on_the_screen_and_all_of_it_in_the_log(world: World) -> None:
    (world.folder / "sitecustomize.py").write_text(BROKEN_HELP, encoding="utf-8")
    world.variables = {"PYTHONPATH": f"{world.folder}:{world.environment['PYTHONPATH']}"}
    with world.window(cwd=world.project(GREETING)) as window:
        window.shows("✓ ready")
        window.press("?")
        assert window.ends() == 1
        assert is_restored(window)
        window.shows(r"Error: stigmer-tui met an internal error: ZeroDivisionError\('help'\)")
        assert "Traceback" not in window.text
    assert "Traceback" in world.home.log("app").read_text(encoding="utf-8")


def is_restored(window: Window) -> bool:
    """The normal screen with its cursor, no reports of mouse and focus, and a line discipline that echoes."""
    switched_on = {mode for mode in (1049, 1000, 1003, 1004, 1006, 2004) if window.mode(mode)}
    local = termios.tcgetattr(window.descriptor)[3]
    return not switched_on and window.mode(25) is not False and bool(local & termios.ECHO and local & termios.ICANON)
