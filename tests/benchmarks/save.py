"""From a save to the first event of the new run on the screen: `python -m tests.benchmarks.save`.

A real app in a terminal, a real daemon, a real project. The code in a new interpreter is measured in the same minute,
for comparison: how busy the machine is shows there, too.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.benchmarks.report import heading, line, percentile
from tests.e2e.world import PROGRAM, World
from tests.terminal import Terminal

ROUNDS = 20

CODE = """
from stigmer_tui.sdk import Workflow

with Workflow("counted", namespace="bench") as flow:
    flow.set("task-{number:04}", number={number})
"""


def main() -> None:
    heading(f"From a save to the first event of the new run, painted; {ROUNDS} saves")
    with tempfile.TemporaryDirectory() as folder, closing(World(Path(folder))) as world:
        project = world.project(CODE.format(number=0))
        own = _own_time(world, project)
        times = _saves(world, project)
        own = (own + _own_time(world, project)) / 2
        line("the code alone, in a new interpreter", own * 1000, "ms")
        line("whole, p50", percentile(times, 0.5) * 1000, "ms", 60)
        line("whole, p95", percentile(times, 0.95) * 1000, "ms", 100)


def _saves(world: World, project: Path) -> list[float]:
    main = project / "main.py"
    terminal = Terminal(PROGRAM, 160, 48, environment=world.environment, folder=project)
    try:
        terminal.wait_for(b"1 created")
        terminal.send(b"\r")
        terminal.wait_for(b"task-0000")
        times = []
        for number in range(1, ROUNDS + 1):
            # Nobody saves faster than this, and each save finds the app at rest.
            terminal.read_for(0.7)
            started = time.perf_counter()
            main.write_text(CODE.format(number=number), encoding="utf-8")
            terminal.wait_for(f"task-{number:04}".encode())
            times.append(time.perf_counter() - started)
        terminal.send(b"q")
        terminal.read_for(0.5)
        return times
    finally:
        terminal.close()


def _own_time(world: World, project: Path) -> float:
    """Of the interpreter that runs the code, from start to end: the middle of several."""
    times = []
    with tempfile.TemporaryDirectory() as output:
        for _ in range(9):
            started = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "stigmer_tui.sdk", str(project / "main.py")],
                env={**world.environment, "STIGMER_OUT_DIR": output},
                cwd=project,
                check=True,
                capture_output=True,
            )
            times.append(time.perf_counter() - started)
    return percentile(times, 0.5)


if __name__ == "__main__":
    main()
