"""What the length of an execution costs: per event, per frame, to open, to search for a place in it, to keep."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.tui.gc_tuner import GcTuner
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.benchmarks.report import heading, line
from tests.benchmarks.shapes import START, execution_of, line_events, new_execution, run_events
from tests.workbench.trees import put, task

MANY = 100_000
FRAME = 167
"""Events between two frames, at 5,000 a second."""


def main() -> None:
    # As the app does.
    GcTuner(SystemClock()).begin()
    heading("Events")
    line("an event: model, entries and window", _event_cost() * 1e6, "µs")
    for entries in (10, MANY):
        line(f"a frame with {FRAME} events, after {entries:,} entries", _frame_cost(entries) * 1000, "ms")
    heading(f"Opening {MANY:,} entries, to the first rows")
    for name, execution, outline in (
        ("transcript of an agent", execution_of(MANY, line_events), Transcript),
        ("transcript of a workflow", _workflow(MANY // 2), Transcript),
        ("tree of tasks", _workflow(MANY // 3), TaskTree),
    ):
        gc.collect()
        started = time.perf_counter()
        window = Viewport(outline(execution), SystemClock(), UNICODE)
        window.resize(116, 40)
        window.update()
        line(name, (time.perf_counter() - started) * 1000, "ms", 400)
    heading("Memory")
    for name, source in (("of a run", "run_events"), ("each an entry of its own", "line_events")):
        # A process of its own: memory that is given back stays with the process.
        measured = subprocess.run(
            [sys.executable, "-m", "tests.benchmarks.scale", source], capture_output=True, text=True, check=True
        )
        line(f"{MANY:,} events {name}", float(measured.stdout), "MB", 25)


def _event_cost() -> float:
    execution = new_execution()
    window = Viewport(Transcript(execution), SystemClock(), UNICODE)
    window.resize(116, 40)
    events = run_events(execution)
    started = time.process_time()
    for number in range(50_000):
        next(events)
        if number % FRAME == 0:
            window.update()
    return (time.process_time() - started) / 50_000


def _frame_cost(entries: int) -> float:
    execution = execution_of(entries, line_events)
    window = Viewport(Transcript(execution), SystemClock(), UNICODE)
    window.resize(116, 40)
    window.update()
    costs = []
    steps = run_events(execution)
    for _ in range(50):
        for _ in range(FRAME):
            next(steps)
        started = time.process_time()
        window.update()
        costs.append(time.process_time() - started)
    return sorted(costs)[len(costs) // 2]


def _workflow(iterations: int) -> Execution:
    """A loop of two tasks."""
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.COMPLETED, started_at=START)
    put(execution, task("/each", "each", "for", RunState.COMPLETED, started_at=START, completed_at=START))
    for number in range(iterations):
        for name in ("fetch", "store"):
            put(
                execution,
                task(
                    f"/each/{number}/{name}",
                    name,
                    "set",
                    RunState.COMPLETED,
                    "/each",
                    started_at=START,
                    completed_at=START,
                ),
            )
    return execution


def _memory(source: Callable[[Execution], Iterator[None]]) -> float:
    """Megabytes that an execution and its transcript take, as the system counts them."""
    warm = Viewport(Transcript(execution_of(1_000, source)), SystemClock(), UNICODE)
    warm.resize(116, 40)
    warm.update()
    gc.collect()
    process = psutil.Process()
    before = process.memory_info().rss
    execution = new_execution()
    window = Viewport(Transcript(execution), SystemClock(), UNICODE)
    window.resize(116, 40)
    steps = source(execution)
    for number in range(MANY):
        next(steps)
        if number % FRAME == 0:
            window.update()
    window.update()
    gc.collect()
    return (process.memory_info().rss - before) / 1e6


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.stdout.write(str(_memory({"run_events": run_events, "line_events": line_events}[sys.argv[1]])))
    else:
        main()
