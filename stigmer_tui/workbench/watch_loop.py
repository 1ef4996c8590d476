"""The loop of development: a save becomes a deployment, and what ran before runs again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.watch_rules import Queueing, WatchRules, When
from stigmer_tui.project.own_writes import OwnWrites
from stigmer_tui.project.runtimes import SynthesisError
from stigmer_tui.project.warm_interpreter import WarmInterpreter
from stigmer_tui.project.watch import Change, Watcher, WatchProblem
from stigmer_tui.workbench.deployment import Deployer
from stigmer_tui.workbench.events import (
    Deployed,
    DeploymentFailed,
    DeploymentInterrupted,
    FilesSaved,
    FilesWatched,
    WatchRulesChanged,
    WatchSwitched,
)
from stigmer_tui.workbench.state import Deployment, Level, ProjectProblem, ShownRun
from stigmer_tui.workbench.state_store import StateStore


class Rerun(Protocol):
    async def __call__(self, shown: ShownRun, why: str, saved_at: datetime | None, waits: bool) -> None:
        """Ends a run if it still goes on, and starts it anew with the same input. Notes itself what fails.

        `waits`: returns at once, and starts it when the run has ended by itself.
        """


class WatchLoop:
    """Deploys the project at once, and after each change while it watches.

    A change that comes while the project's code still runs makes that run pointless: it is ended, and the code is run
    again. So the last change is never lost, and a burst of changes leads to one new run.
    """

    def __init__(
        self,
        folder: Path,
        watcher: Watcher,
        make_deployer: Callable[[], Deployer],
        store: StateStore,
        clock: Clock,
        rerun: Rerun,
        take_deployment: Callable[[Deployment], Awaitable[None]],
    ) -> None:
        """`take_deployment` is awaited before anything runs because of the deployment."""
        self._watcher = watcher
        self._own_writes = OwnWrites(folder)
        self._interpreter = WarmInterpreter()
        self._make_deployer = make_deployer
        self._store = store
        self._clock = clock
        self._rerun = rerun
        self._take_deployment = take_deployment
        self._chosen: WatchRules | None = None
        """By a person, for this session, over what Stigmer.yaml says."""
        self._is_on = True
        self._is_looking = False
        self._pending: list[Change] = []
        self._doubting: asyncio.Task[None] | None = None
        self._waiting = 0
        """Requested runs that wait for the latest code."""
        self._wanted = asyncio.Event()
        self._settled = asyncio.Event()
        self._synthesis: asyncio.Task[None] | None = None
        self._was_refused = False
        """Whether the last deployment failed for another reason than the code."""

    async def run(self) -> None:
        """Until cancelled."""
        # First look, then run the code: what is saved meanwhile is a change.
        try:
            async with self._watcher, self._interpreter, asyncio.TaskGroup() as group:
                self._is_looking = True
                group.create_task(self._watch())
                self._wanted.set()
                group.create_task(self._deploy_when_wanted())
        finally:
            if self._doubting:
                self._doubting.cancel()

    def toggle(self) -> None:
        """What was saved while watch was off is deployed when it is on again."""
        self._is_on = not self._is_on
        self._store.emit(WatchSwitched(self._is_on))
        if self._is_on and self._pending:
            self._want()

    def choose_rules(self, rules: WatchRules) -> None:
        """For this session, whatever Stigmer.yaml says."""
        self._chosen = rules
        self._store.emit(WatchRulesChanged(rules))

    def try_again(self) -> None:
        """What the server has not taken, if there is something. Code that fails does so whatever the server is."""
        if self._was_refused:
            self._want()

    @property
    def is_settled(self) -> bool:
        """Whether all that was saved is deployed, or has failed to be."""
        return self._settled.is_set() and not self._pending

    async def catch_up(self) -> None:
        """Deploys what was saved until now, also while watch is off; returns when it is settled.

        What comes next is the run that waits here: meanwhile nothing runs again by itself.
        """
        self._waiting += 1
        try:
            if self._is_looking:
                await self._watcher.caught_up()
            if self._pending:
                self._want()
            await self._settled.wait()
        finally:
            self._waiting -= 1

    async def _watch(self) -> None:
        self._store.emit(FilesWatched(self._watcher.file_count))
        async for change in self._watcher:
            if isinstance(change, WatchProblem):
                self._store.note(f"{change.message}. {change.advice}".rstrip(), Level.WARNING)
                continue
            # What the code writes while it runs is no save: it would be run without end.
            sifted = self._own_writes.sift(change)
            self._store.emit(FilesWatched(self._watcher.file_count))
            if sifted.doubtful:
                self._doubt(sifted.doubtful, sifted.doubt)
            if sifted.saves:
                self._take(sifted.saves)

    def _take(self, saves: Change) -> None:
        if self._doubting:
            self._doubting.cancel()
            self._doubting = None
        self._pending.append(saves)
        self._store.emit(FilesSaved(str(saves), saves.saved_at or self._clock.now()))
        if self._is_on:
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
                is_done = await self._deploy(changes)
                self._was_refused = False
            except StigmerError as error:
                is_done = True
                self._was_refused = not isinstance(error, SynthesisError)
                self._store.emit(DeploymentFailed(error, problem_of(error)))
            if not is_done:
                self._pending[:0] = changes
            elif not self._wanted.is_set():
                self._settled.set()

    async def _deploy(self, changes: list[Change]) -> bool:
        """False when a newer change has interrupted it."""
        deployer = self._make_deployer()
        if not await self._synthesize(deployer):
            self._store.emit(DeploymentInterrupted())
            return False
        deployment = await deployer.apply()
        await self._take_deployment(deployment)
        rules = self._rules(deployer)
        rerun = self._affected_run(deployment, rules) if changes else None
        waits = rerun is not None and rules.queueing is Queueing.QUEUE and not rerun.execution.state.is_final
        saved = name_of(changes) if changes else ""
        self._store.emit(Deployed(deployment, saved, rerun.resource.slug if rerun else "", waits))
        if rerun:
            await self._rerun(rerun, str(changes[-1]), saved_at(changes), waits)
        return True

    def _rules(self, deployer: Deployer) -> WatchRules:
        rules = self._chosen or deployer.watch_rules
        project = self._store.state.project
        if project and project.watch_rules != rules:
            self._store.emit(WatchRulesChanged(rules))
        return rules

    async def _synthesize(self, deployer: Deployer) -> bool:
        with self._own_writes.run() as variables:
            synthesis = self._synthesis = asyncio.create_task(
                deployer.synthesize(variables, self._interpreter.run_package)
            )
            try:
                await asyncio.wait((synthesis,))
            finally:
                self._synthesis = None
                synthesis.cancel()
                await asyncio.wait((synthesis,))
        if synthesis.cancelled():
            return False
        synthesis.result()
        return True

    def _affected_run(self, deployment: Deployment, rules: WatchRules) -> ShownRun | None:
        """The shown run, where the rules say that it runs again, and nobody has requested one.

        A conversation whose last message is answered stays as it is: its next message runs on the new code.
        """
        shown = self._store.state.shown
        if shown is None or not shown.number or self._waiting:
            return None
        is_over, restarts = shown.execution.state.is_final, rules.queueing is Queueing.RESTART
        if shown.earlier and (is_over or not restarts):
            return None
        if not is_over and rules.queueing is Queueing.IGNORE:
            return None
        match rules.when:
            case When.ALWAYS:
                return shown
            case When.CHANGED:
                return shown if shown.resource.key in deployment.affected else None
            case When.NEVER:
                return None


def problem_of(error: StigmerError) -> ProjectProblem:
    if isinstance(error, SynthesisError):
        where = ":".join(str(part) for part in (error.file, error.line, error.column) if part)
        return ProjectProblem(where, error.problem, error.advice)
    return ProjectProblem("", error.message, error.advice)


def name_of(changes: list[Change]) -> str:
    """`main.py`, or `main.py and 2 more`."""
    paths = list(dict.fromkeys(file.path for change in changes for file in change.files))
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def saved_at(changes: list[Change]) -> datetime | None:
    return max((change.saved_at for change in changes if change.saved_at), default=None)
