"""From a save to the first step of the new code, for each language: `python -m tests.benchmarks.save_parts`.

A session without a screen, a real daemon, a real project. Each part is the time since the one before.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.workbench.events import (
    Deployed,
    DeploymentFailed,
    Event,
    FilesSaved,
    ManifestsLoaded,
    RunChanged,
    RunStarted,
)
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.nodes import NodeKind
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import RunInput
from tests.benchmarks.report import heading, line, percentile
from tests.e2e.world import World

ROUNDS = 20
PAUSE = 0.7
"""Seconds. Nobody saves faster than this, and each save finds the session at rest."""

PYTHON = """\
from stigmer_tui.sdk import Workflow

with Workflow("counted", namespace="bench") as flow:
    flow.set("task-{number:04}", number={number})
"""

YAML = """\
kind: Workflow
metadata: {{name: counted}}
spec:
  document: {{dsl: 1.0.0, namespace: bench, name: counted, version: 1.0.0}}
  tasks:
    - name: task-{number:04}
      kind: WORKFLOW_TASK_KIND_SET
      task_config: {{variables: {{number: "{number}"}}}}
"""

GO = """\
package main

import (
	"os"
	"path/filepath"
)

const manifest = `{manifest}`

func main() {{
	path := filepath.Join(os.Getenv("STIGMER_OUT_DIR"), "counted.yaml")
	if err := os.WriteFile(path, []byte(manifest), 0o644); err != nil {{
		panic(err)
	}}
}}
"""


@dataclass(frozen=True, slots=True)
class Language:
    runtime: str
    file: str
    code: Callable[[int], str]
    budget: tuple[float, float] | None = None
    """Milliseconds: median, and 95 of 100."""


LANGUAGES = (
    Language("python", "main.py", lambda number: PYTHON.format(number=number), (60, 100)),
    Language("yaml", "counted.yaml", lambda number: YAML.format(number=number), (60, 100)),
    Language("go", "main.go", lambda number: GO.format(manifest=YAML.format(number=number))),
)

PARTS = (
    "noticed by the watcher",
    "the code has run",
    "compared and applied",
    "the old run cancelled, the new one created",
    "its first step",
)


@dataclass
class Marks:
    """When each part of a save ended."""

    task: str = ""
    """That of the new code."""
    times: list[float] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def await_task(self, number: int) -> None:
        self.task, self.times = f"task-{number:04}", []
        self.ended.clear()

    def take(self, event: Event) -> None:
        match event:
            case FilesSaved() | ManifestsLoaded() | Deployed() | RunStarted():
                self.times.append(time.perf_counter())
            case RunChanged(execution) if not self.ended.is_set() and _has_begun(execution, self.task):
                self.times.append(time.perf_counter())
                self.ended.set()
            case _:
                pass


def _has_begun(execution: Execution, task: str) -> bool:
    nodes = (execution.node(part.key) for part in execution.changed_since(-1))
    return any(node.kind is NodeKind.TASK and node.name == task for node in nodes)


async def _saves(session: Session, save: Callable[[int], object]) -> list[list[float]]:
    """Of each save the seconds of its parts."""
    marks = Marks()
    session.store.subscribe(marks.take)
    working = asyncio.create_task(session.run())
    try:
        await _started(session, marks)
        rounds = []
        for number in range(1, ROUNDS + 1):
            await asyncio.sleep(PAUSE)
            marks.await_task(number)
            started = time.perf_counter()
            save(number)
            await marks.ended.wait()
            moments = [started, *marks.times]
            rounds.append([after - before for before, after in pairwise(moments)])
        return rounds
    finally:
        working.cancel()
        await asyncio.wait((working,))


async def _started(session: Session, marks: Marks) -> None:
    deployed: asyncio.Future[Deployed] = asyncio.get_running_loop().create_future()

    def take(event: Event) -> None:
        match event:
            case Deployed() if not deployed.done():
                deployed.set_result(event)
            case DeploymentFailed(error) if not deployed.done():
                deployed.set_exception(error)
            case _:
                pass

    session.store.subscribe(take)
    marks.await_task(0)
    session.start((await deployed).deployment.resources[0], RunInput())
    await marks.ended.wait()


def measure(language: Language) -> None:
    heading(f"From a save to the first step of the new code, {language.runtime}; {ROUNDS} saves")
    with tempfile.TemporaryDirectory() as folder, closing(World(Path(folder))) as world:
        os.environ.update(world.environment)
        project = world.folder / "shop"
        project.mkdir()
        (project / "Stigmer.yaml").write_text(f"name: shop\nruntime: {language.runtime}\n", encoding="utf-8")
        file = project / language.file

        def save(number: int) -> None:
            file.write_text(language.code(number), encoding="utf-8")

        save(0)
        session = Session(load_configuration(os.environ), project, SystemClock())
        rounds = asyncio.run(_saves(session, save))
    for name, times in zip(PARTS, zip(*rounds, strict=True), strict=True):
        line(name, percentile(list(times), 0.5) * 1000, "ms", note=f"at best {min(times) * 1000:.1f}")
    whole = [sum(times) for times in rounds]
    median, late = language.budget or (None, None)
    line("whole, p50", percentile(whole, 0.5) * 1000, "ms", median, f"at best {min(whole) * 1000:.1f}")
    line("whole, p95", percentile(whole, 0.95) * 1000, "ms", late)


def main() -> None:
    for language in LANGUAGES:
        if language.runtime != "go" or shutil.which("go"):
            measure(language)


if __name__ == "__main__":
    main()
