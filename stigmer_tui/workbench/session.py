"""The session of a person at work: what they want goes in as intents, what there is to see comes out as one state.

Everything here is owned by one task group; whoever ends `Session.run` ends it all. Nothing that a run does depends on
this process: executions go on in the daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.workbench.abilities import CannotCancel
from stigmer_tui.workbench.daemon_events import DaemonEvents
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.lists import Lists
from stigmer_tui.workbench.model import Execution, Resource, ResourceKind, Run, RunState, run_of
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.state import (
    Level,
    ProjectState,
    RunInput,
    ShownRun,
    WorkbenchState,
)
from stigmer_tui.workbench.state_store import StateStore
from stigmer_tui.workbench.suggestions import Suggestion, suggest

if TYPE_CHECKING:
    from stigmer_tui.workbench.backend import Backend
    from stigmer_tui.workbench.deployment import Deployment
    from stigmer_tui.workbench.development import WatchLoop

FRAME_MS = 16
"""Shortest time between two changes of a followed execution. A screen shows no more of them than it has frames, and
what comes late to one of these waits for it no longer than this."""

SAME_INTENT = 1.0
"""Seconds. Who asks for a run so shortly after a save has started it wants that run: one cannot have seen it yet."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A run that a person wants."""

    resource: Resource
    input: RunInput
    why: str
    at: float
    """By the monotonic clock."""
    instead_of: ShownRun | None = None
    """The run that ends for it, or what has taken the place of that meanwhile."""

    @property
    def key(self) -> tuple[ResourceKind, str]:
        return self.resource.kind, self.resource.slug


@dataclass(frozen=True, slots=True)
class Automatic:
    """The latest run that a save has started, until somebody asks for one."""

    shown: ShownRun
    at: float
    """By the monotonic clock."""


class Session:
    def __init__(self, configuration: Configuration, folder: Path, clock: Clock) -> None:
        """`folder` is where the program was opened; it need not be a project."""
        self.configuration = configuration
        self.folder = folder
        self.clock = clock
        self.is_project = (folder / "Stigmer.yaml").is_file()
        self._memory = SessionCache(
            configuration.home.cache, str(folder) if self.is_project else "", configuration.server
        )
        self._inputs = self._memory.inputs()
        resources, runs = self._memory.lists()
        self.board = StateStore(
            WorkbenchState(
                project=self._project() if self.is_project else None,
                resources=resources,
                runs=runs,
                recent_projects=self._memory.recent_projects(),
            ),
            clock,
            self._memory.warnings(),
            self._memory.note_warnings,
        )
        self._lists = Lists(self.board, self._memory)
        self._group: asyncio.TaskGroup | None = None
        self._early: list[Coroutine[Any, Any, None]] = []
        """What the person wanted before there was a group to do it in."""
        self._backend: Backend | None = None
        self._development: WatchLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self._news = DaemonEvents()
        self._counts: dict[str, int] = {}
        self._started: set[str] = set()
        self._asked: dict[tuple[ResourceKind, str], Asked] = {}
        """What a person has asked for and has not got yet: of each resource, the last wish."""
        self._automatic: Automatic | None = None
        self._starting = asyncio.Lock()
        """Whoever starts a run in the place of another must see what was started before."""
        self._retry = asyncio.Event()

    @property
    def state(self) -> WorkbenchState:
        return self.board.state

    def _project(self) -> ProjectState:
        return ProjectState(self.folder.name, str(self.folder), defines=self._memory.defines(), watching=True)

    # The life of the session

    async def run(self) -> None:
        """Until cancelled."""
        # The wire is loaded here, beside the event loop, so that a screen can stand before it.
        backend, development = await asyncio.to_thread(self._load)
        try:
            async with asyncio.TaskGroup() as group:
                self._group, self._backend = group, backend
                group.create_task(self._keep_connected(backend))
                if development:
                    self._development = development
                    self._memory.note_project()
                    group.create_task(development.run())
                for work in self._early:
                    self._do(work)
                self._early.clear()
        finally:
            self._group = None
            for work in self._early:
                work.close()
            await backend.close()

    def _load(self) -> tuple[Backend, WatchLoop | None]:
        from stigmer_tui.project.project_file import load_project
        from stigmer_tui.workbench.development import WatchLoop
        from stigmer_tui.workbench.grpc_backend import GrpcBackend
        from stigmer_tui.workbench.servers import server_of

        organization = self.configuration.organization
        backend = GrpcBackend(server_of(self.configuration, self.clock), organization, self.clock)
        if not self.is_project:
            return backend, None
        with suppress(StigmerError):
            # What is wrong with the file is told where it is deployed.
            backend.organization = load_project(self.folder).organization or backend.organization
        parts = self.folder, backend, self.board, self.clock
        return backend, WatchLoop(*parts, self._run_again, self._take_deployment)

    async def _keep_connected(self, backend: Backend) -> None:
        while True:
            self._retry.clear()
            try:
                address = await backend.connect()
                was_lost = not self.state.daemon.connected
                abilities = await backend.abilities()
                known = replace(self.state.daemon, connected=True, address=address, abilities=abilities, problem="")
                self.board.update(daemon=known)
                await self._hand_over_keys(backend)
                if was_lost:
                    if not abilities.can_list:
                        self._lists.take(*await backend.look_up(self.state.resources, self.state.runs))
                    self._go_on()
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._watch_lists(backend))
                    group.create_task(self._watch_daemon(backend))
            except* StigmerError as errors:
                lines = await asyncio.to_thread(backend.last_log_lines)
                self.board.update(daemon=DaemonState(problem=_first(errors), log_lines=lines))
            await _first_of(self._retry.wait(), backend.wait_for_server())

    def _go_on(self) -> None:
        """With what the loss of the daemon has ended."""
        if self._development:
            self._development.try_again()
        shown = self.state.shown
        if shown and not shown.execution.state.is_final and self._following and self._following.done():
            self._follow_shown(shown.execution)

    async def _watch_lists(self, backend: Backend) -> None:
        async for resources, runs in backend.watch_lists():
            self._lists.take(resources, runs)

    async def _take_deployment(self, deployment: Deployment) -> None:
        backend = self._require_backend()
        if not (await backend.abilities()).can_list:
            self._lists.add_resources(deployment.resources)
        elif deployment.applied.created and (lists := await backend.lists()):
            # The list that is watched may be a moment behind; what is told as created can be chosen.
            self._lists.take(*lists)
        self._memory.note_defines(deployment.defines)

    async def _hand_over_keys(self, backend: Backend) -> None:
        if names := await backend.hand_over_keys():
            self.board.note(handed_over_text(names))

    async def _watch_daemon(self, backend: Backend) -> None:
        started_at = None
        async for daemon in backend.watch_daemon():
            if daemon.connected and daemon.started_at != started_at:
                # What it was given is gone with the daemon before.
                if started_at:
                    await self._hand_over_keys(backend)
                started_at = daemon.started_at
            self.board.update(daemon=daemon)
            for text, level in self._news.take(daemon, self.clock.now()):
                self.board.note(text, level)

    # What the person can do

    def start(self, resource: Resource, run_input: RunInput, why: str = "") -> None:
        """Runs a resource with the latest code, and shows it; the run that was shown goes on."""
        self._inputs[resource.slug] = run_input
        self._memory.note_inputs(self._inputs)
        if awaited := self._awaited():
            self.board.note(f"{resource.name} runs as soon as {awaited}")
        self._ask(Asked(resource, run_input, why, self.clock.monotonic()))

    def rerun(self) -> None:
        """The shown run once more, with the latest code and the same input; the old one ends if it still runs."""
        if shown := self.state.shown:
            self._ask(Asked(shown.resource, shown.input, "run again", self.clock.monotonic(), shown))

    def cancel(self) -> None:
        """The shown run."""
        shown = self.state.shown
        if shown and not shown.execution.state.is_final:
            self._do(self._cancel(shown.execution, "cancelled by the user"))

    async def find(self, reference: str) -> Resource | Run | None:
        """By name or id, also what no list has; what is found is in the list from now on. Raises StigmerError."""
        found = await self._require_backend().find(reference)
        if isinstance(found, Resource) and not self.state.daemon.abilities.can_list:
            self._lists.add_resources([found])
        return found

    def open(self, run: Run) -> None:
        """Shows an execution of the list, from its beginning to its end."""
        self._do(self._open(run))

    def toggle_watch(self) -> None:
        if self._development:
            self._development.toggle()

    def retry(self) -> None:
        """Looks for the daemon again, and starts it if it does not run."""
        self.board.update(daemon=DaemonState())
        self._retry.set()

    def stop_daemon(self) -> None:
        """Its runs stop with it, and continue when it is started again."""
        if self._backend:
            self._do(self._backend.stop_daemon())

    def restart_daemon(self) -> None:
        if self._backend:
            self._do(self._restart_daemon(self._backend))

    def input_for(self, resource: Resource) -> RunInput:
        """What the resource was run with last; values that are secret only within this session."""
        return self._inputs.get(resource.slug, RunInput())

    def suggestions_for(self, resource: Resource) -> list[Suggestion]:
        return suggest(resource, self.input_for(resource), self.folder)

    def unfinished(self) -> list[Run]:
        """Runs that this session started and that still go on."""
        # The list may be a moment behind the run that is followed.
        shown = self.state.shown
        ended = shown.execution.id if shown and shown.execution.state.is_final else ""
        mine = [run for run in self.state.runs if run.id in self._started and run.id != ended]
        return [run for run in mine if not run.state.is_final]

    async def cancel_all(self) -> None:
        """Every run of this session that still goes on."""
        if self._backend:
            with suppress(StigmerError):
                for run in self.unfinished():
                    await self._backend.cancel(run.id, "cancelled by the user")

    # How it is done

    def _awaited(self) -> str:
        """What a run has to wait for; empty when there is nothing."""
        if self.is_project and not (self._development and self._development.is_settled):
            return "the latest code is deployed"
        return "" if self.state.daemon.connected else "the daemon is ready"

    async def _catch_up(self) -> None:
        if self._development:
            await self._development.catch_up()

    def _ask(self, asked: Asked) -> None:
        self._asked[asked.key] = asked
        self._do(self._run_asked(asked))

    async def _run_asked(self, asked: Asked) -> None:
        """One wish is one run: a later wish for the same takes its place, and it takes that of an automatic run."""
        await self._catch_up()
        async with self._starting:
            if self._asked.get(asked.key) is not asked:
                return
            del self._asked[asked.key]
            automatic = self._take_automatic(asked)
            if automatic and automatic.input == asked.input:
                self.board.note(f"{asked.resource.name} runs with this save already")
                if not self._is_shown(automatic.execution):
                    self._show(automatic)
                return
            if old := automatic or self._latest_run(asked.instead_of):
                await self._end(old, asked.why)
            await self._start(asked.resource, asked.input, asked.why)

    def _take_automatic(self, asked: Asked) -> ShownRun | None:
        """The run that a save has started just before somebody asked for one of the same resource."""
        automatic, self._automatic = self._automatic, None
        if automatic is None or asked.at - automatic.at > SAME_INTENT:
            return None
        found = automatic.shown
        return found if (found.resource.kind, found.resource.slug) == asked.key else None

    async def _run_again(self, shown: ShownRun, why: str, saved_at: datetime | None) -> None:
        """After a save: ends a run if it still goes on, and starts it anew with the same input."""
        async with self._starting:
            try:
                await self._end(shown, why)
                started = await self._start(shown.resource, shown.input, why, saved_at)
            except StigmerError as error:
                self.board.note(str(error), Level.ERROR)
            else:
                self._automatic = Automatic(started, self.clock.monotonic())

    def _latest_run(self, run: ShownRun | None) -> ShownRun | None:
        """The run that is shown now, where it has taken the place of another."""
        shown = self.state.shown
        if run and shown and (shown.resource.kind, shown.resource.slug) == (run.resource.kind, run.resource.slug):
            return shown
        return run

    async def _end(self, shown: ShownRun, why: str) -> None:
        """A run whose place another takes. That it cannot be ended does not keep the other one from running."""
        if shown.execution.state.is_final:
            return
        try:
            await self._cancel(shown.execution, why)
        except CannotCancel as error:
            self.board.note(f"{error.message}: the old run of {shown.resource.name} goes on", Level.WARNING)
        except StigmerError as error:
            self.board.note(f"The old run of {shown.resource.name} goes on: {error}", Level.WARNING)

    async def _start(
        self, resource: Resource, run_input: RunInput, why: str, saved_at: datetime | None = None
    ) -> ShownRun:
        backend = self._require_backend()
        execution = await backend.create(self._latest(resource), run_input)
        self._started.add(execution.id)
        if not self.state.daemon.abilities.can_list:
            self._lists.add_run(run_of(execution, resource.id))
        number = self._counts[resource.slug] = self._counts.get(resource.slug, 0) + 1
        shown = ShownRun(execution, resource, run_input, number, why)
        self._show(shown, saved_at)
        return shown

    async def _open(self, run: Run) -> None:
        execution = await self._require_backend().open(run)
        if not self.state.daemon.abilities.can_list:
            self._lists.add_run(run_of(execution, run.resource_id))
        resource = next(
            (item for item in self.state.resources if item.id == run.resource_id),
            Resource(run.kind, run.resource_id, run.resource, run.resource),
        )
        self._show(ShownRun(execution, resource, replace(self.input_for(resource), message=execution.message)))

    async def _restart_daemon(self, backend: Backend) -> None:
        await backend.restart_daemon()
        self._retry.set()
        self.board.note("Restarted the daemon")

    async def _cancel(self, execution: Execution, reason: str) -> None:
        await self._require_backend().cancel(execution.id, reason)

    def _is_shown(self, execution: Execution) -> bool:
        shown = self.state.shown
        return shown is not None and shown.execution.id == execution.id

    def _show(self, shown: ShownRun, saved_at: datetime | None = None) -> None:
        if self._following:
            self._following.cancel()
        self.board.update(shown=shown)
        self._follow_shown(shown.execution, saved_at)

    def _follow_shown(self, execution: Execution, saved_at: datetime | None = None) -> None:
        if self._group:
            self._following = self._group.create_task(self._follow(execution, saved_at))

    async def _follow(self, execution: Execution, saved_at: datetime | None) -> None:
        """`saved_at`: when the file was written that led to this run; the time to its first event is measured."""
        waiting_since = saved_at

        def changed() -> None:
            nonlocal waiting_since
            if waiting_since and execution.state is not RunState.PENDING:
                self.board.update_project(latency=(self.clock.now() - waiting_since).total_seconds())
                waiting_since = None
            if not self.state.daemon.abilities.can_list:
                self._lists.note_state(execution)
            self.board.changed()

        try:
            await self._require_backend().follow(execution, changed, lambda: None, FRAME_MS)
        except StigmerError as error:
            self.board.note(str(error), Level.ERROR)

    def _latest(self, resource: Resource) -> Resource:
        """A resource may have been deployed since it was put on the screen."""
        found = (item for item in self.state.resources if (item.kind, item.slug) == (resource.kind, resource.slug))
        return next(found, resource)

    def _require_backend(self) -> Backend:
        if self._backend is None:
            raise RuntimeError("there is work only while the session runs")
        return self._backend

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None:
            self._early.append(work)
        else:
            self._group.create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except StigmerError as error:
            self.board.note(str(error), Level.ERROR)


def handed_over_text(names: Sequence[str]) -> str:
    """`names` are those of variables."""
    return f"Handed {' and '.join(names)} to the daemon, which had no such key; it is kept in memory only"


def _first(errors: BaseExceptionGroup[StigmerError]) -> str:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


async def _first_of(*waits: Coroutine[Any, Any, Any]) -> None:
    """Until one of them is over; the others are given up."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
