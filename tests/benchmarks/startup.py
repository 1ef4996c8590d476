"""How long it takes until the program is there: `python -m tests.benchmarks.startup`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psutil

from tests.benchmarks.report import heading, line, percentile
from tests.e2e.world import PROGRAM, World
from tests.terminal import Terminal

ROUNDS = 10
SETTLING, REST = 15.0, 20.0
"""Seconds."""
SIZE = (160, 48)
QUIT = b"q"


def main() -> None:
    heading("Commands, medians")
    empty = _command("-c", "pass")
    line("an empty Python process", empty * 1000, "ms")
    for argument in ("--version", "--help"):
        line(argument, _command(*PROGRAM, argument) * 1000, "ms", 60)
    with tempfile.TemporaryDirectory() as folder, closing(World(Path(folder))) as world:
        project = world.new_project()
        _fill_the_cache(world, project)
        heading("The app in a project, the daemon is up, medians")
        skeletons, pickers, answers, minimal = [], [], [], []
        for _ in range(ROUNDS):
            # In turns: whatever else the machine does, it does to both.
            minimal.append(_minimal(world))
            skeleton, picker, answer = _app(world, project)
            skeletons.append(skeleton)
            pickers.append(picker)
            answers.append(answer)
        least = percentile(minimal, 0.5)
        line("a minimal app of the framework, to its first paint", least * 1000, "ms")
        line("first pixels", percentile(skeletons, 0.5) * 1000, "ms", 30)
        line("usable picker", percentile(pickers, 0.5) * 1000, "ms", 300)
        line("usable picker, times the minimal app", percentile(pickers, 0.5) / least, "", 1.5)
        line("a key that was pressed before that is answered", percentile(answers, 0.5) * 1000, "ms")
        heading("The app at rest, watching the project")
        _rest(world, project)


def _command(*arguments: str) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return percentile(times, 0.5)


def _fill_the_cache(world: World, project: Path) -> None:
    """A session before this one, which saw the lists."""
    with world.window(cwd=project) as window:
        window.shows("3 created")
        window.shows("settle-orders")
        window.press("q")
        window.ends()


def _minimal(world: World) -> float:
    arguments = ("-m", "tests.benchmarks.minimal_app")
    terminal = Terminal(arguments, *SIZE, environment=world.environment, folder=world.folder)
    try:
        terminal.wait_for(b"ready")
        return time.perf_counter() - terminal.started
    finally:
        terminal.close()


def _app(world: World, project: Path) -> tuple[float, float, float]:
    """Seconds from exec to the first pixels, to the picker, and to the answer to a key that was pressed at once."""
    terminal = Terminal(PROGRAM, *SIZE, environment=world.environment, folder=project)
    try:
        terminal.wait_for(b"stigmer")
        skeleton = time.perf_counter() - terminal.started
        terminal.send(b"?")
        terminal.wait_for(b"settle-orders")
        picker = time.perf_counter() - terminal.started
        terminal.wait_for(b"ype to filter")
        answer = time.perf_counter() - terminal.started
        # Out of the help, and out of the app.
        terminal.send(b"\x1b")
        terminal.read_for(0.2)
        terminal.send(QUIT)
        terminal.read_for(0.5)
        return skeleton, picker, answer
    finally:
        terminal.close()


def _rest(world: World, project: Path) -> None:
    with world.window(cwd=project) as window:
        window.shows("✓ ready")
        window.read_for(SETTLING)
        (app,) = psutil.Process(window.pid).children()
        line("memory", app.memory_info().rss / 1e6, "MB", 75)
        spent, written = sum(app.cpu_times()[:2]), window.bytes_read
        window.read_for(REST)
        line("processor", 100 * (sum(app.cpu_times()[:2]) - spent) / REST, "%", 0.2)
        line("written to the terminal", window.bytes_read - written, "bytes", 0)
        window.send(QUIT)
        window.ends()


if __name__ == "__main__":
    main()
