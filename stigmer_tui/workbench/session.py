"""A session at work: what a person wants goes in as intents, what happens comes out as events and as one state.

The screen takes the state, the outputs without a screen take the events. Whatever a session does is owned by one task
group, which ends with `Session.run`; executions go on in the daemon.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.contexts import OUR_DAEMON
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.watch_rules import Queueing, WatchRules, When
from stigmer_tui.project.project_file import is_project
from stigmer_tui.workbench.approvals import Verdict, WaitingCall
from stigmer_tui.workbench.daemon_intents import DaemonIntents
from stigmer_tui.workbench.events import Deployed, ResourcePreviewed
from stigmer_tui.workbench.lists import Lists
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.preview import Previews
from stigmer_tui.workbench.project_tests import Tester
from stigmer_tui.workbench.run_group import RunAllIntents
from stigmer_tui.workbench.run_history import RunHistory
from stigmer_tui.workbench.run_inputs import RunInputs
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.services import Services, load_services
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.side_by_side import SideBySideIntents
from stigmer_tui.workbench.state import Deployment, Level, ProjectState, RunInput, ShownRun, WorkbenchState
from stigmer_tui.workbench.state_store import StateStore
from stigmer_tui.workbench.testing_intents import TestIntents

if TYPE_CHECKING:
    # A command that runs once needs none of these, and would wait for them.
    from stigmer_tui.workbench.backend import Backend
    from stigmer_tui.workbench.differences import ResourceDifference
    from stigmer_tui.workbench.model_requests import SentRequest
    from stigmer_tui.workbench.run_requests import RunRequests
    from stigmer_tui.workbench.server_monitor import ServerMonitor
    from stigmer_tui.workbench.server_tools import ServerTools
    from stigmer_tui.workbench.testing_loop import TestLoop
    from stigmer_tui.workbench.watch_loop import WatchLoop

FRAME_MS = 16
"""Shortest time between two changes of a followed execution. A screen shows no more of them than it has frames, and
what comes late to one of these waits for it no longer than this."""

BY_USER = "cancelled by the user"

LoadServices = Callable[[Configuration, Path, str, Clock], Services]


@dataclass(frozen=True, slots=True)
class LiveParts:
    """What there is while the session runs."""

    group: asyncio.TaskGroup
    runs: Runs
    requests: RunRequests
    previews: Previews
    monitor: ServerMonitor
    watch_loop: WatchLoop | None
    tester: Tester | None
    test_loop: TestLoop | None

    async def catch_up(self) -> None:
        """Until what was saved is deployed."""
        if self.watch_loop:
            await self.watch_loop.catch_up()


Intent = Callable[[LiveParts], Coroutine[None, None, None]]


class Session:
    def __init__(
        self,
        configuration: Configuration,
        folder: Path,
        clock: Clock,
        *,
        organization: str = "",
        cache: SessionCache | None = None,
        interval_ms: int = FRAME_MS,
        load: LoadServices = load_services,
        has_manifests: bool = False,
    ) -> None:
        """`folder` is where the program was opened; it need not be a project.

        `has_manifests`: what `load` gives deploys manifests, whatever is in the folder.
        """
        self.configuration = configuration
        self.folder = folder
        self.clock = clock
        self.has_manifests = has_manifests
        self.is_project = has_manifests or is_project(folder)
        self._organization = organization
        self._cache = cache
        self._interval_ms = interval_ms
        self._load = load
        self.store = StateStore(self._first_state(), clock)
        self._lists = Lists(self.store)
        self.tests = TestIntents(self)
        self.all_runs = RunAllIntents(self)
        self.side_by_side = SideBySideIntents(self)
        self.history = RunHistory(self)
        self.daemon = DaemonIntents(self)
        kept = cache or SessionCache.of(configuration, folder)
        self.inputs = RunInputs(folder, self.store, kept, is_kept=cache is not None)
        self._services: Services | None = None
        self._live: LiveParts | None = None
        self._early: list[Intent] = []
        """What the person wanted before the session ran."""

    @property
    def state(self) -> WorkbenchState:
        return self.store.state

    @property
    def live(self) -> LiveParts | None:
        """None before and after it runs."""
        return self._live

    def _first_state(self) -> WorkbenchState:
        """With what the last session has remembered."""
        cache = self._cache
        resources, runs = cache.lists() if cache else ((), ())
        project = None
        if self.is_project:
            project = ProjectState(
                self.folder.name,
                str(self.folder),
                defines=cache.defines() if cache else None,
                watching=True,
                warnings=cache.warnings() if cache else frozenset(),
            )
        return WorkbenchState(
            project=project,
            resources=resources,
            runs=runs,
            recent_projects=cache.recent_projects() if cache else (),
            context="" if self.configuration.context == OUR_DAEMON else self.configuration.context.name,
        )

    # The life of a session

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Runs]:
        """The server is within reach, for one command; nothing is watched."""
        async with self._within_reach(self._load_services()) as runs:
            yield runs

    async def run(self) -> None:
        """Until cancelled: connected to the server, and in a project deploying what is saved."""
        if self._cache:
            self._cache.note_project()
            self.store.subscribe(self._cache.take)
        # The wire is loaded beside the event loop, so that a screen can stand before it.
        services = await asyncio.to_thread(self._load_services)
        async with self._within_reach(services) as runs:
            await asyncio.to_thread(_load_live_parts, self.is_project)
            try:
                async with asyncio.TaskGroup() as group:
                    self._begin(group, runs)
            finally:
                self._live = None

    def _load_services(self) -> Services:
        return self._load(self.configuration, self.folder, self._organization, self.clock)

    @asynccontextmanager
    async def _within_reach(self, services: Services) -> AsyncIterator[Runs]:
        self._services = services
        try:
            yield Runs(services.backend, self.store, self._lists, self.clock, self._interval_ms, self.inputs.defaults)
        finally:
            self._services = None
            await services.backend.close()

    def _begin(self, group: asyncio.TaskGroup, runs: Runs) -> None:
        from stigmer_tui.workbench.run_requests import RunRequests
        from stigmer_tui.workbench.server_monitor import ServerMonitor

        services = self._require_services()
        requests = RunRequests(runs, self.store, self.clock, group)
        watch_loop = self._make_watch_loop(services, requests) if self.is_project else None
        if watch_loop:
            group.create_task(watch_loop.run())

        def reconnected() -> None:
            if watch_loop:
                watch_loop.try_again()
            requests.resume()

        monitor = ServerMonitor(services.backend, self.store, self._lists, runs, self.clock, reconnected)
        group.create_task(monitor.run())
        previews = Previews(
            services.backend, self.inputs.suggestions, lambda preview: self.store.emit(ResourcePreviewed(preview))
        )
        # Another server cannot read the recordings of this home.
        tester = services.make_tester() if services.make_tester and services.backend.is_ours else None
        test_loop = self._make_test_loop(tester) if tester and self.is_project else None
        if test_loop:
            group.create_task(test_loop.run())
        self._live = LiveParts(group, runs, requests, previews, monitor, watch_loop, tester, test_loop)
        group.create_task(self._noting_errors(self.inputs.load_secrets()))
        early, self._early = self._early, []
        for intent in early:
            self.intend(intent)

    def _make_watch_loop(self, services: Services, requests: RunRequests) -> WatchLoop:
        from stigmer_tui.workbench.watch_loop import WatchLoop

        return WatchLoop(
            self.folder,
            services.make_watcher(),
            lambda: services.make_deployer(self.store),
            self.store,
            self.clock,
            requests.run_again,
            self._refresh_lists,
        )

    def _make_test_loop(self, tester: Tester) -> TestLoop:
        from stigmer_tui.workbench.testing_loop import TestLoop

        return TestLoop(tester, self.store, self.tests.open)

    # What a command does, and waits for; all of it raises StigmerError

    async def deploy(self) -> Deployment:
        """The project's code, once."""
        deployer = self._require_services().make_deployer(self.store)
        await deployer.synthesize()
        deployment = await deployer.apply()
        self.store.emit(Deployed(deployment))
        return deployment

    async def preview(self) -> Deployment:
        """What `deploy` would do."""
        deployer = self._require_services().make_deployer(self.store)
        await deployer.synthesize()
        return await deployer.preview()

    async def differences(self) -> tuple[ResourceDifference, ...]:
        """How the project's code differs from what is deployed."""
        # A store of its own: the session deploys nothing.
        deployer = self._require_services().make_deployer(StateStore(self.state, self.clock))
        await deployer.synthesize()
        return await deployer.differences()

    def server_tools(self) -> ServerTools:
        """The MCP servers of agents."""
        from stigmer_tui.workbench.server_tools import ServerToolCommands

        return ServerToolCommands(self.folder, self._organization)

    async def resolve(self, reference: str) -> Resource | None:
        """By id or name; a workflow before an agent of the same name. It has its variables where there may be values
        for them.
        """
        return await self.backend.resolve(reference, with_variables=self.inputs.has_values)

    async def with_variables(self, resource: Resource) -> Resource:
        """A resource of a list or of an execution, with its variables where there may be values for them."""
        if resource.variables or not self.inputs.has_values:
            return resource
        found = await self.resolve(resource.id)
        return replace(resource, variables=found.variables) if found else resource

    async def find(self, reference: str) -> Resource | Run | None:
        """By name or id, also what no list has; what is found is in the list from now on."""
        found = await self.backend.find(reference)
        if isinstance(found, Resource) and not self.state.daemon.abilities.can_list:
            self._lists.add_resources([found])
        return found

    async def model_request(self, execution_id: str, number: int) -> SentRequest:
        """What a model was asked in an execution, from 1."""
        return await self.backend.model_request(execution_id, number)

    async def decide(self, waiting: WaitingCall, verdict: Verdict) -> None:
        """On a tool call that waits for approval."""
        await self.backend.decide(waiting, verdict)

    async def finish(self, reason: str) -> None:
        """Ends the shown run, starts none any more, and returns when its end has been seen."""
        if self._live:
            await self._live.requests.finish(reason)

    async def cancel_all(self) -> None:
        """Every run of this session that still goes on."""
        if self._live:
            await self._live.runs.cancel_all(BY_USER)

    # What a person wants; what fails is noted

    def start(self, resource: Resource, run_input: RunInput, why: str = "") -> None:
        """Runs a resource with the latest code, and shows it; the run that was shown goes on."""
        self.inputs.note(resource, run_input)
        if awaited := self._awaited():
            self.store.note(f"{resource.name} runs as soon as {awaited}")
        self._request(resource, run_input, why)

    def rerun(self) -> None:
        """The shown run once more, with the latest code and the same input; the old one ends if it still runs.

        In a conversation it is the last message that is sent again.
        """
        shown = self.state.shown
        if shown and shown.earlier:
            self.resend(shown.execution.id, shown.input.message)
        elif shown:
            self._request(shown.resource, shown.input, "run again", shown)

    def send(self, message: str, files: str = "") -> None:
        """Continues the shown conversation, with the latest code. While the agent works, the message waits.

        `files` belong to it, as `definition/attached_files` writes them.
        """
        if not (shown := self.state.shown):
            return
        if not shown.execution.state.is_final:
            self.store.note(f"The message is sent when {shown.resource.name} has answered")
        session = shown.execution.session
        self.intend(lambda live: live.requests.send(session, message, live.catch_up, files))

    def resend(self, execution_id: str, message: str, files: str | None = None) -> None:
        """Forks the shown conversation, with a message in the place of that of one of its executions; without `files`,
        with those that it had.
        """
        self.intend(lambda live: live.requests.resend(execution_id, message, live.catch_up, files))

    def answer(self, waiting: WaitingCall, verdict: Verdict) -> None:
        """Decides on a tool call of the shown run."""
        self.intend(lambda live: self.decide(waiting, verdict))

    def cancel(self) -> None:
        """The shown run."""
        shown = self.state.shown
        if shown and not shown.execution.state.is_final:
            self.intend(lambda live: live.runs.cancel(shown.execution, BY_USER))

    def open(self, run: Run) -> None:
        """Shows an execution of the list, from its beginning to its end."""
        self.intend(lambda live: live.requests.open(run, self.inputs.last(run.resource)))

    def look_at(self, resource: Resource | None) -> None:
        """Previews a resource that may be run next; None when there is none."""
        self.intend(lambda live: live.previews.look_at(resource))

    def toggle_watch(self) -> None:
        if self._live and self._live.watch_loop:
            self._live.watch_loop.toggle()

    def choose_watch_rules(self, when: When | None = None, queueing: Queueing | None = None) -> None:
        """What saves do from now on in this session, whatever Stigmer.yaml says; None for what stays."""
        if self._live and self._live.watch_loop and (project := self.state.project):
            rules = project.watch_rules
            self._live.watch_loop.choose_rules(WatchRules(when or rules.when, queueing or rules.queueing))

    def keep_secrets(self, secrets: Mapping[str, str]) -> None:
        """Has the values remembered in the keyring; an empty one is forgotten."""
        self.intend(lambda live: self.inputs.keep_secrets(secrets))

    def unfinished(self) -> list[Run]:
        """Runs that this session started and that still go on."""
        return self._live.runs.unfinished() if self._live else []

    # How it is done

    def _awaited(self) -> str:
        """What a run has to wait for; empty when there is nothing."""
        watch_loop = self._live.watch_loop if self._live else None
        if self.is_project and not (watch_loop and watch_loop.is_settled):
            return "the latest code is deployed"
        return "" if self.state.daemon.connected else "the daemon is ready"

    def _request(self, resource: Resource, run_input: RunInput, why: str, instead_of: ShownRun | None = None) -> None:
        from stigmer_tui.workbench.run_requests import RunRequest

        request = RunRequest(resource, run_input, why, self.clock.monotonic(), instead_of)

        def begin(live: LiveParts) -> Coroutine[None, None, None]:
            # Before anything is awaited: a later request takes its place.
            live.requests.put(request)
            return fulfil(live)

        async def fulfil(live: LiveParts) -> None:
            await live.catch_up()
            await live.requests.fulfil(request)

        self.intend(begin)

    async def _refresh_lists(self, deployment: Deployment) -> None:
        backend = self.backend
        if not (await backend.abilities()).can_list:
            self._lists.add_resources(deployment.resources)
        elif deployment.applied.created and (lists := await backend.lists()):
            # The list that is watched may be a moment behind; what was created can be chosen from now on.
            self._lists.take(*lists)

    @property
    def backend(self) -> Backend:
        """While the session is open."""
        return self._require_services().backend

    def _require_services(self) -> Services:
        if self._services is None:
            raise RuntimeError("there is a server only while the session is open")
        return self._services

    def intend(self, intent: Intent) -> None:
        """Does it as soon as the session runs; what fails is noted."""
        if self._live is None:
            self._early.append(intent)
        else:
            self._live.group.create_task(self._noting_errors(intent(self._live)))

    async def _noting_errors(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except StigmerError as error:
            self.store.note(str(error), Level.ERROR)


def _load_live_parts(is_project: bool) -> None:
    """Beside the event loop, which must not stand still for it."""
    import stigmer_tui.workbench.run_requests
    import stigmer_tui.workbench.server_monitor

    if is_project:
        import stigmer_tui.definition.validation
        import stigmer_tui.workbench.testing_loop
        import stigmer_tui.workbench.watch_loop  # noqa: F401
