"""The loop of development: a save becomes a deployment, and what ran before runs again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.project.own_writes import OwnWrites
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.watch import Change, Watcher, WatchProblem
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.deployment import Deployer, Deployment
from stigmer_tui.workbench.state import Level, ProjectProblem, ShownRun, Stage
from stigmer_tui.workbench.state_store import StateStore


class Restart(Protocol):
    async def __call__(self, shown: ShownRun, why: str, saved_at: datetime | None) -> None:
        """Ends a run if it still goes on, and starts it anew with the same input. Tells itself what goes wrong."""


Deployed = Callable[[Deployment], Awaitable[None]]
"""Is told of each deployment before anything is run because of it."""


class WatchLoop:
    """Deploys the project at once, and after each change while it watches.

    A change that comes while the project's code still runs makes that run pointless: it is ended, and the code is run
    again. So the last change is never lost, and a burst of changes leads to one new run.
    """

    def __init__(
        self,
        folder: Path,
        backend: Backend,
        board: StateStore,
        clock: Clock,
        restart: Restart,
        deployed: Deployed,
        watch: Callable[[Path], Watcher] = Watcher,
        deployer: Callable[[Path, Backend, Clock], Deployer] = Deployer,
    ) -> None:
        self._folder = folder
        self._watch_folder = watch
        self._make_deployer = deployer
        self._backend = backend
        self._board = board
        self._clock = clock
        self._restart = restart
        self._deployed = deployed
        self._is_watching = True
        self._watcher: Watcher | None = None
        self._pending: list[Change] = []
        self._own_writes = OwnWrites(folder)
        self._doubting: asyncio.Task[None] | None = None
        self._waiting = 0
        """Runs that a person has asked for, and that wait for the latest code."""
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._synthesis: asyncio.Task[int] | None = None
        self._was_refused = False
        """Whether the last deployment failed for another reason than the code."""

    async def run(self) -> None:
        """Until cancelled."""
        # First look, then run the code: what is saved meanwhile is a change.
        try:
            async with self._watch_folder(self._folder) as self._watcher, asyncio.TaskGroup() as group:
                group.create_task(self._watch(self._watcher))
                self._wanted.set()
                group.create_task(self._deploy_when_wanted())
        finally:
            if self._doubting:
                self._doubting.cancel()

    def toggle(self) -> None:
        """What was saved while nobody watched is deployed when somebody watches again."""
        self._is_watching = not self._is_watching
        self._board.update_project(watching=self._is_watching)
        if self._is_watching and self._pending:
            self._want()

    def try_again(self) -> None:
        """What the server has not taken, if there is something. Code that fails does so whatever the server is."""
        if self._was_refused:
            self._want()

    @property
    def is_settled(self) -> bool:
        """Whether all that was saved is deployed, or has failed to be."""
        return self._settled.is_set() and not self._pending

    async def catch_up(self) -> None:
        """Deploys what was saved until now, also while nobody watches; returns when it is settled.

        What comes next is the run that waits here: meanwhile nothing runs again by itself.
        """
        self._waiting += 1
        try:
            if self._watcher:
                await self._watcher.caught_up()
            if self._pending:
                self._want()
            await self._settled.wait()
        finally:
            self._waiting -= 1

    async def _watch(self, watcher: Watcher) -> None:
        self._board.update_project(watched_files=watcher.file_count)
        async for news in watcher:
            if isinstance(news, WatchProblem):
                self._board.note(f"{news.message}. {news.advice}".rstrip(), Level.WARNING)
                continue
            # What the code writes while it runs is no save: it would be run without end.
            sifted = self._own_writes.sift(news)
            self._board.update_project(watched_files=watcher.file_count)
            if sifted.doubtful:
                self._doubt(sifted.doubtful, sifted.doubt)
            if sifted.saves:
                self._take(sifted.saves)

    def _take(self, saves: Change) -> None:
        if self._doubting:
            self._doubting.cancel()
            self._doubting = None
        self._pending.append(saves)
        self._board.update_project(last_change=str(saves), last_change_at=saves.saved_at or self._clock.now())
        if self._is_watching:
            self._want()

    def _doubt(self, doubtful: Change, seconds: float) -> None:
        """Takes it for a save after all; unless something else is saved before, since the code is run again then."""

        async def wait() -> None:
            await asyncio.sleep(seconds)
            self._doubting = None
            self._take(doubtful)

        if self._doubting:
            self._doubting.cancel()
        self._doubting = asyncio.create_task(wait())

    def _want(self) -> None:
        self._settled.clear()
        self._wanted.set()
        if self._synthesis is not None:
            self._synthesis.cancel()

    async def _deploy_when_wanted(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            changes, self._pending = self._pending, []
            try:
                await self._deploy(changes)
                self._was_refused = False
            except StigmerError as error:
                self._was_refused = not isinstance(error, SynthesisError)
                self._board.update_project(problem=problem_of(error))
            except asyncio.CancelledError:
                if not self._wanted.is_set():
                    raise
                self._pending[:0] = changes
                continue
            finally:
                self._board.update_project(stage=Stage.IDLE)
            if not self._wanted.is_set():
                self._settled.set()

    async def _deploy(self, changes: list[Change]) -> None:
        deployer = self._make_deployer(self._folder, self._backend, self._clock)
        self._board.update_project(name=deployer.project.name, stage=Stage.SYNTHESIS)
        with self._own_writes.run() as variables:
            self._synthesis = asyncio.create_task(deployer.synthesize(variables=variables))
            try:
                await self._synthesis
            finally:
                self._synthesis.cancel()
                await asyncio.wait((self._synthesis,))
                self._synthesis = None
        self._board.update_project(stage=Stage.APPLY)
        deployment = await deployer.apply()
        await self._deployed(deployment)
        self._board.update_project(applied=deployment.applied, problem=None, defines=deployment.defines)
        self._board.warn(deployment.warnings)
        if changes:
            await self._run_again(deployment, changes)

    async def _run_again(self, deployment: Deployment, changes: list[Change]) -> None:
        """The shown run, when it would now run differently, and nobody has asked for a run."""
        shown = self._board.state.shown
        summary = f"Saved {name_of(changes)} · {deployment.applied.summary}"
        is_affected = shown is not None and (shown.resource.kind, shown.resource.slug) in deployment.affected
        if shown is None or not is_affected or not shown.number or self._waiting:
            self._board.note(summary)
            return
        self._board.note(f"{summary} · running {shown.resource.slug} again")
        await self._restart(shown, str(changes[-1]), saved_at(changes))


def problem_of(error: StigmerError) -> ProjectProblem:
    if isinstance(error, SynthesisError):
        where = f"{error.file}:{error.line}" if error.line else str(error.file or "")
        return ProjectProblem(where, error.problem, error.advice)
    return ProjectProblem("", error.message, error.advice)


def name_of(changes: list[Change]) -> str:
    """`main.py`, or `main.py and 2 more`."""
    paths = list(dict.fromkeys(file.path for change in changes for file in change.files))
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def saved_at(changes: list[Change]) -> datetime | None:
    return max((change.saved_at for change in changes if change.saved_at), default=None)
