"""From a save to manifests: `python -m tests.benchmarks.project`. Medians; ratios against an empty Python process."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from stigmer_tui.project.project_file import Project, load_project
from stigmer_tui.project.scaffold import create_project
from stigmer_tui.project.synthesis import synthesize
from stigmer_tui.project.warm_interpreter import WarmInterpreter
from stigmer_tui.project.watch import Watcher
from tests.project.projects import python_project

ROUNDS = 15


def median_ms(act: Callable[[], object]) -> float:
    act()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        act()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def python_ms(code: str) -> float:
    return median_ms(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def synthesis_ms(project: Project) -> float:
    return median_ms(lambda: asyncio.run(synthesize(project)))


async def forked_synthesis_ms(project: Project) -> float:
    times = []
    async with WarmInterpreter() as interpreter:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            await synthesize(project, run_package=interpreter.run_package)
            times.append((time.perf_counter() - started) * 1000)
            await interpreter.ready()
    return statistics.median(times)


async def save_to_change_ms(folder: Path, files: int) -> list[float]:
    for number in range(files):
        part = folder / f"part_{number // 50}"
        part.mkdir(exist_ok=True)
        (part / f"file_{number}.py").write_text("value = 1\n" * 100)
    main = folder / "main.py"
    main.write_text("value = 1\n")
    times = []
    async with Watcher(folder) as watcher:
        for number in range(ROUNDS):
            waiting = asyncio.ensure_future(anext(watcher))
            await asyncio.sleep(0.1)
            started = time.perf_counter()
            main.write_text(f"value = {number + 2}\n")
            await waiting
            times.append((time.perf_counter() - started) * 1000)
    return sorted(times)


async def idle_percent(folder: Path, seconds: float = 3) -> tuple[float, float]:
    """Of a core, and wake-ups a second."""
    async with Watcher(folder) as watcher:
        waiting = asyncio.ensure_future(anext(watcher))
        await asyncio.sleep(0.5)
        before = resource.getrusage(resource.RUSAGE_SELF)
        await asyncio.sleep(seconds)
        after = resource.getrusage(resource.RUSAGE_SELF)
        waiting.cancel()
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 100 * used / seconds, (after.ru_nvcsw - before.ru_nvcsw) / seconds


def main() -> None:
    # The interpreters that are started find this source where we do.
    os.environ["PYTHONPATH"] = str(Path(__file__).parent.parent.parent)
    empty = python_ms("pass")
    line("an empty Python process", empty)
    line("import stigmer_tui.sdk, in its process", python_ms("import stigmer_tui.sdk"), empty)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        line("synthesis of a project of three tasks", synthesis_ms(python_project(folder / "three")), empty)
        forked = asyncio.run(forked_synthesis_ms(python_project(folder / "three")))
        line("the same in forks of a waiting interpreter", forked, empty)
        line("synthesis of what `new` writes", synthesis_ms(load_project(create_project(folder, "demo"))), empty)
        for files in (10, 1000, 10_000):
            project = folder / f"files_{files}"
            project.mkdir()
            times = asyncio.run(save_to_change_ms(project, files))
            line(f"save to change, {files} files, p50", statistics.median(times))
            line(f"save to change, {files} files, longest", times[-1])
        used, wakes = asyncio.run(idle_percent(folder / "files_10"))
        sys.stdout.write(f"{'watching, idle':45} {used:7.3f} % of a core, {wakes:.1f} wake-ups a second\n")


def line(what: str, milliseconds: float, reference: float = 0) -> None:
    ratio = f"{milliseconds / reference:7.1f} ×" if reference else ""
    sys.stdout.write(f"{what:45} {milliseconds:7.1f} ms {ratio}\n")


if __name__ == "__main__":
    main()
