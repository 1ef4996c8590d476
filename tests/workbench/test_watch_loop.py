"""The loop of development on a real server: what a save leads to, and that none is lost."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.paths import Home
from stigmer_tui.project import own_writes
from stigmer_tui.project.watch import Watcher
from stigmer_tui.workbench.deployment import Deployer
from stigmer_tui.workbench.events import Event
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.grpc_backend import GrpcBackend
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.servers import NamedServer
from stigmer_tui.workbench.state import Deployment, ProjectState, ShownRun, Stage, WorkbenchState
from stigmer_tui.workbench.state_store import StateStore
from stigmer_tui.workbench.watch_loop import WatchLoop
from tests.server.conftest import running

LIMIT = 60.0

ONE_TASK = """
from stigmer_tui.sdk import Workflow

with Workflow("tally", namespace="demo") as flow:
    flow.set("result", title={title!r})
"""

SHOWN = ShownRun(
    Execution(ResourceKind.WORKFLOW, "wfx_1", "tally"),
    Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally"),
    number=1,
)


@dataclass
class Bench:
    """A board that can be waited for, and what was run again."""

    folder: Path
    store: StateStore
    watch_loop: WatchLoop | None = None
    restarts: list[str] = field(default_factory=list)
    applied: list[str] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.store.subscribe(self._note)

    @property
    def project(self) -> ProjectState:
        assert self.store.state.project is not None
        return self.store.state.project

    def write(self, code: str, name: str = "main.py") -> None:
        """At once, as editors do it."""
        new = self.folder / f".{name}.tmp"
        new.write_text(code, encoding="utf-8")
        new.replace(self.folder / name)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def restart(self, shown: ShownRun, why: str, saved_at: datetime | None, waits: bool) -> None:
        assert saved_at is not None
        self.restarts.append(why)

    async def deployed(self, deployment: Deployment) -> None:
        self.deployments.append(deployment)

    def _note(self, event: Event) -> None:
        if (applied := self.project.applied) and (not self.applied or self.applied[-1] != str(applied)):
            self.applied.append(str(applied))
        self._changed.set()


@asynccontextmanager
async def developing(tmp_path: Path, code: str, folders: tuple[str, ...] = ()) -> AsyncIterator[Bench]:
    folder = tmp_path / "project"
    folder.mkdir()
    for name in folders:
        (folder / name).mkdir()
    (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    clock = SystemClock()
    project = ProjectState("demo", str(folder), watching=True)
    store = StateStore(WorkbenchState(project=project, shown=SHOWN), clock)
    bench = Bench(folder, store)
    bench.write(code)
    async with running(tmp_path / "home") as api:
        backend = GrpcBackend(NamedServer(Context("", api.server.address), Home(tmp_path)), "local", clock)

        def deployer() -> Deployer:
            return Deployer(folder, backend, store.emit, clock)

        bench.watch_loop = WatchLoop(folder, Watcher(folder), deployer, store, clock, bench.restart, bench.deployed)
        work = asyncio.create_task(bench.watch_loop.run())
        try:
            yield bench
        finally:
            work.cancel()
            await asyncio.wait([work])
            await backend.close()


async def test_a_save_is_deployed_and_the_shown_run_starts_again(tmp_path: Path) -> None:
    async with developing(tmp_path, ONE_TASK.format(title="one")) as bench:
        await bench.until(lambda: bench.project.applied is not None)
        assert bench.project.applied is not None
        assert bench.project.applied.created == ("tally",)
        bench.write(ONE_TASK.format(title="two"))
        await bench.until(lambda: bool(bench.restarts))
        assert bench.restarts == ["main.py changed (+1 −1)"]
        assert bench.project.applied.updated == ("tally",)


async def test_a_save_that_changes_no_resource_runs_nothing_again(tmp_path: Path) -> None:
    async with developing(tmp_path, ONE_TASK.format(title="one")) as bench:
        await bench.until(lambda: bench.project.applied is not None)
        bench.write(ONE_TASK.format(title="one") + "\n# A thought.\n")
        await bench.until(lambda: len(bench.applied) == 2)
        await bench.until(lambda: bench.project.stage is Stage.IDLE)
        assert bench.restarts == []


async def test_a_mistake_is_told_and_the_next_good_save_clears_it(tmp_path: Path) -> None:
    async with developing(tmp_path, ONE_TASK.format(title="one")) as bench:
        await bench.until(lambda: bench.project.applied is not None)
        bench.write("titel\n")
        await bench.until(lambda: bench.project.problem is not None)
        assert bench.project.problem is not None
        assert (bench.project.problem.where, bench.restarts) == ("main.py:1", [])
        assert "NameError" in bench.project.problem.message
        bench.write(ONE_TASK.format(title="two"))
        await bench.until(lambda: bench.project.problem is None)
        await bench.until(lambda: bool(bench.restarts))


async def test_a_save_during_a_synthesis_is_what_counts(tmp_path: Path) -> None:
    """The first code waits until a named pipe is opened for writing, which nobody ever does."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    async with developing(tmp_path, f"open({str(pipe)!r}).read()\n") as bench:
        await bench.until(lambda: bench.project.stage is Stage.SYNTHESIS)
        bench.write(ONE_TASK.format(title="one"))
        await bench.until(lambda: bench.project.applied is not None)
        assert bench.project.applied is not None
        assert (bench.project.applied.created, bench.project.problem) == (("tally",), None)


async def test_what_was_saved_unwatched_is_deployed_once_when_somebody_watches_again(tmp_path: Path) -> None:
    async with developing(tmp_path, ONE_TASK.format(title="one")) as bench:
        await bench.until(lambda: bench.project.applied is not None)
        assert bench.watch_loop is not None
        bench.watch_loop.toggle()
        for number in range(3):
            bench.write(ONE_TASK.format(title=f"number {number}"))
            bench.write(f"NUMBER = {number}\n", "numbers.py")
            before = bench.project.last_change_at
            await bench.until(lambda before=before: bench.project.last_change_at != before)  # type: ignore[misc]
        assert len(bench.applied) == 1
        bench.watch_loop.toggle()
        await bench.until(lambda: bool(bench.restarts))
        assert (len(bench.applied), len(bench.restarts)) == (2, 1)


WRITING = (
    """
import os, subprocess, time
from pathlib import Path

{how}
"""
    + ONE_TASK
)

HOWS = {
    "text": "Path('generated.json').write_text(str(time.time_ns()))",
    "at the end, by another name": (
        "import atexit; Path('x.tmp').write_text(str(time.time_ns())); "
        "atexit.register(os.replace, 'x.tmp', 'generated.json')"
    ),
    "appended": "open('log/runs.txt', 'a').write('once more\\n')",
    "database": "import sqlite3; d = sqlite3.connect('x.db'); d.execute('create table if not exists t (a)'); "
    "d.execute('insert into t values (1)'); d.commit()",
}


@pytest.mark.parametrize("how", HOWS)
async def test_what_the_code_writes_itself_is_no_save(tmp_path: Path, how: str) -> None:
    """Point 39: it was run without end."""
    async with developing(tmp_path, WRITING.format(how=HOWS[how], title="one"), folders=("log",)) as bench:
        await bench.until(lambda: bench.project.applied is not None)
        for title in ("two", "three"):
            before = len(bench.applied)
            bench.write(WRITING.format(how=HOWS[how], title=title))
            await bench.until(lambda before=before: len(bench.applied) > before)  # type: ignore[misc]
        assert bench.watch_loop is not None
        # All that has been written until now is told; of it, two changes were saves.
        await bench.watch_loop.catch_up()
        assert (len(bench.applied), bench.restarts) == (3, ["main.py changed (+1 −1)"] * 2)
        bench.write("edited\n", "notes.txt")
        await bench.until(lambda: len(bench.applied) == 4)


async def test_code_that_fails_and_writes_is_not_run_without_end(tmp_path: Path) -> None:
    code = WRITING.format(how=HOWS["text"] + "; titel", title="one")
    async with developing(tmp_path, code) as bench:
        await bench.until(lambda: bench.project.problem is not None)
        assert bench.watch_loop is not None
        await bench.watch_loop.catch_up()
        assert bench.project.stage is Stage.IDLE
        assert bench.project.last_change == ""


async def test_what_other_programs_write_for_the_code_does_not_run_it_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_writes, "DOUBTS", (0.0, 0.0))
    how = "subprocess.run(['sh', '-c', 'date +%N > stamp.txt'])"
    async with developing(tmp_path, WRITING.format(how=how, title="one")) as bench:
        assert bench.watch_loop is not None
        writes = bench.watch_loop._own_writes
        certain = own_writes.CERTAIN_AFTER + len(own_writes.DOUBTS)
        await bench.until(lambda: writes._streaks.get("stamp.txt", (0, 0))[1] >= certain)
        await bench.watch_loop.catch_up()
        bench.restarts.clear()
        runs = writes._number
        bench.write(WRITING.format(how=how, title="two"))
        await bench.until(lambda: bool(bench.restarts))
        await bench.watch_loop.catch_up()
        assert (writes._number, len(bench.restarts)) == (runs + 1, 1)
