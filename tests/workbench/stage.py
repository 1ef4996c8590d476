"""A session without a wire, without processes and without time: a server, a project and saves that a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.watch_rules import USUAL, WatchRules
from stigmer_tui.definition.extensions import replaced_in
from stigmer_tui.project.plan import Deployments
from stigmer_tui.project.snapshot import ChangeKind, FileChange
from stigmer_tui.project.subprocesses import RunPackage, run_package
from stigmer_tui.project.watch import Change, Watcher, WatchProblem
from stigmer_tui.workbench.abilities import Abilities, CannotCancel
from stigmer_tui.workbench.approvals import Verdict, WaitingCall
from stigmer_tui.workbench.backend import Lists
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.deployment import Deployer
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, RunState
from stigmer_tui.workbench.model_requests import SentRequest
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.run_query import FoundRun, RunQuery
from stigmer_tui.workbench.services import Services
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import ApplySummary, Deployment, DeploymentItem, ProjectState, RunInput, ShownRun
from tests.workbench.trees import change

LIMIT = 60.0
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

TALLY = Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally")
OTHER = Resource(ResourceKind.WORKFLOW, "wf_2", "other", "other")


@dataclass
class StoppedClock:
    seconds: float = 0.0

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class FakeServer:
    """In the place of the backend. Executions run until they are ended or cancelled."""

    can_cancel: bool = True
    is_ours: bool = True
    created: list[tuple[str, RunInput]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    decided: list[tuple[str, Verdict]] = field(default_factory=list)
    conversations: dict[str, list[Execution]] = field(default_factory=dict)
    """By session."""
    resources: Sequence[Resource] = (TALLY, OTHER)
    """What is deployed."""
    code: str = "1"
    """The version of every agent."""
    creating: int = 0
    """Requests for a run, answered or not."""
    looks: int = 0
    stopped: int = 0
    restarted: int = 0
    components: list[str] = field(default_factory=list)
    """That were restarted alone."""
    organization: str = "local"
    lacking: tuple[str, ...] = ()
    """Names of keys that the person has and the daemon has not."""
    statuses: asyncio.Queue[DaemonState] = field(default_factory=asyncio.Queue)
    following: set[str] = field(default_factory=set)
    """Ids of the executions that somebody follows now."""
    connect_failure: StigmerError | None = None
    follow_failure: StigmerError | None = None
    log_lines: tuple[str, ...] = ()
    listed: asyncio.Queue[Lists | Exception] = field(default_factory=asyncio.Queue)
    """What the server says next of its lists; an error where it is lost."""
    found: list[FoundRun] = field(default_factory=list)
    """What can be found by its message or its excerpts."""
    searched: list[RunQuery] = field(default_factory=list)
    previews: dict[str, Preview] = field(default_factory=dict)
    """By the slug of the resource; of another one there is none any more."""
    may_create: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    _changes: dict[str, asyncio.Queue[RunState]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.may_create.set()

    async def connect(self) -> str:
        self.looks += 1
        if self.connect_failure:
            raise self.connect_failure
        return "127.0.0.1:1"

    async def preview(self, resource: Resource) -> Preview | None:
        return self.previews.get(resource.slug)

    async def wait_for_server(self) -> None:
        await self.arrived.wait()
        self.arrived.clear()

    async def close(self) -> None:
        return

    def last_log_lines(self) -> tuple[str, ...]:
        return self.log_lines

    async def abilities(self) -> Abilities:
        return Abilities(self.is_ours, self.can_cancel)

    async def hand_over_keys(self) -> tuple[str, ...]:
        """The daemon has them as long as it runs."""
        lacking, self.lacking = self.lacking, ()
        return lacking

    async def look_up(self, resources: Iterable[Resource], runs: Iterable[Run]) -> Lists:
        return tuple(resources), tuple(runs)

    async def lists(self) -> Lists | None:
        return None

    async def watch_lists(self) -> AsyncIterator[Lists]:
        if self.is_ours:
            yield (TALLY, OTHER), ()
            while True:
                listed = await self.listed.get()
                if isinstance(listed, Exception):
                    raise listed
                yield listed

    async def search(self, query: RunQuery, limit: int) -> AsyncGenerator[tuple[FoundRun, ...], None]:
        self.searched.append(query)
        yield tuple(found for found in self.found if query.text in f"{found.run.message} {found.excerpts}")[:limit]

    async def watch_daemon(self) -> AsyncIterator[DaemonState]:
        while self.is_ours:
            yield await self.statuses.get()

    async def stop_daemon(self) -> None:
        self.stopped += 1

    async def restart_daemon(self) -> None:
        self.restarted += 1

    async def restart_component(self, name: str) -> None:
        self.components.append(name)

    async def resolve(self, reference: str, with_variables: bool = False) -> Resource | None:
        return next((item for item in self.resources if reference in (item.id, item.slug)), None)

    async def find(self, reference: str) -> Resource | Run | None:
        return await self.resolve(reference)

    def deployments(self) -> Deployments:
        raise NotImplementedError("the code of these tests is deployed by FakeDeployer")

    async def open(self, run: Run) -> Execution:
        return self._known(Execution(run.kind, run.id, run.resource, run.message, run.state))

    async def create(self, resource: Resource, run_input: RunInput, session: str = "") -> Execution:
        self.creating += 1
        await self.may_create.wait()
        self.created.append((resource.slug, run_input))
        number, message = len(self.created), run_input.message
        execution_id, own_session = f"wfx_{number}", ""
        if resource.kind is ResourceKind.AGENT:
            execution_id, own_session = f"agx_{number}", session or f"ses_{number}"
        execution = Execution(
            resource.kind,
            execution_id,
            resource.slug,
            message,
            RunState.RUNNING,
            session=own_session,
            code=self.code,
            replaces=replaced_in(run_input.annotations),
        )
        if own_session:
            self.conversations.setdefault(own_session, []).append(execution)
        return self._known(execution)

    async def conversation(self, execution: Execution) -> tuple[Execution, ...]:
        known = self.conversations.get(execution.session, [execution])
        return tuple(execution if other.id == execution.id else other for other in known)

    async def fork(self, execution: Execution) -> str:
        of_session = self.conversations[execution.session]
        session = f"fork_{len(self.conversations)}"
        self.conversations[session] = of_session[: of_session.index(execution)]
        return session

    def _known(self, execution: Execution) -> Execution:
        self._changes[execution.id] = asyncio.Queue()
        return execution

    async def model_request(self, execution_id: str, number: int) -> SentRequest:
        raise StigmerError(f"Nothing was asked in {execution_id}")

    async def decide(self, waiting: WaitingCall, verdict: Verdict) -> None:
        self.decided.append((waiting.call.id, verdict))

    async def cancel(self, execution_id: str, reason: str) -> None:
        if not self.can_cancel:
            raise CannotCancel("The server at 127.0.0.1:1 cannot cancel executions")
        self.cancelled.append(execution_id)
        self.end(execution_id, RunState.CANCELLED)

    async def delete(self, execution_id: str) -> None:
        self.deleted.append(execution_id)

    def end(self, execution_id: str, state: RunState = RunState.COMPLETED) -> None:
        self._changes[execution_id].put_nowait(state)

    def change(self, execution_id: str) -> None:
        """Something has happened, and it goes on."""
        self.end(execution_id, RunState.RUNNING)

    async def follow(
        self, execution: Execution, changed: Callable[[], None], interrupted: Callable[[], None], interval_ms: int
    ) -> None:
        self.following.add(execution.id)
        try:
            while not execution.state.is_final:
                state = await self._changes[execution.id].get()
                if self.follow_failure:
                    raise self.follow_failure
                change(execution, state=state)
                changed()
        finally:
            self.following.discard(execution.id)


class FakeWatcher(Watcher):
    """Tells of the saves of a test. A save that is not told yet is told when somebody asks."""

    def __init__(self, clock: StoppedClock) -> None:
        self._clock = clock
        self._saved: list[str] = []
        self._noticed: asyncio.Queue[Change] = asyncio.Queue()
        self._wanted = asyncio.Event()

    async def __aenter__(self) -> FakeWatcher:
        return self

    async def __aexit__(self, *error: object) -> None:
        return

    @property
    def file_count(self) -> int:
        return 1

    def __aiter__(self) -> FakeWatcher:
        return self

    async def __anext__(self) -> Change | WatchProblem:
        self._wanted.set()
        change = await self._noticed.get()
        self._wanted.clear()
        return change

    def save(self, name: str = "main.py") -> None:
        """The system has not told of it yet."""
        self._saved.append(name)

    def notice(self) -> None:
        for name in self._saved:
            self._noticed.put_nowait(Change((FileChange(name, ChangeKind.CHANGED, 1, 1),), self._clock.now()))
        self._saved.clear()

    async def caught_up(self) -> None:
        self.notice()
        while not self._noticed.empty():  # noqa: ASYNC110 - there is no time here
            await asyncio.sleep(0)
        await self._wanted.wait()


@dataclass
class FakeCode:
    """What the project's code comes to."""

    affected: tuple[Resource, ...] = (TALLY,)
    defined: tuple[Resource, ...] = (TALLY,)
    failure: StigmerError | None = None
    rules: WatchRules = USUAL
    runs: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()


class FakeDeployer(Deployer):
    def __init__(self, code: FakeCode) -> None:
        self._code = code

    @property
    def watch_rules(self) -> WatchRules:
        return self._code.rules

    async def synthesize(
        self, variables: Mapping[str, str] | None = None, run_package: RunPackage = run_package
    ) -> None:
        self._code.runs += 1
        await self._code.may_end.wait()
        if self._code.failure:
            raise self._code.failure

    async def apply(self) -> Deployment:
        affected = frozenset(resource.key for resource in self._code.affected)
        items = tuple(
            DeploymentItem(resource.kind, resource.name, resource.slug, "updated", resource)
            for resource in self._code.defined
        )
        return Deployment(ApplySummary(NOON, updated=("tally",)), items, affected)


class StagedSession(Session):
    def __init__(self, folder: Path, server: FakeServer, code: FakeCode | None = None) -> None:
        self.time = StoppedClock()
        self.server, self.code, self.watcher = server, code or FakeCode(), FakeWatcher(self.time)
        configuration = Configuration(Home(folder / "home"))
        super().__init__(configuration, folder, self.time, load=lambda *_: self._load_fakes())

    def _load_fakes(self) -> Services:
        return Services(self.server, lambda store: FakeDeployer(self.code), lambda: self.watcher)

    @property
    def shown(self) -> ShownRun:
        assert self.state.shown is not None
        return self.state.shown

    @property
    def project(self) -> ProjectState:
        assert self.state.project is not None
        return self.state.project

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self.state.notices]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():  # noqa: ASYNC110 - there is no time here
                await asyncio.sleep(0)

    async def settled(self) -> None:
        """Until everything that was begun has come to its end, or waits for what the test holds back."""
        for _ in range(100):
            await asyncio.sleep(0)

    async def deployed(self, times: int) -> None:
        await self.until(lambda: self.code.runs >= times)
        await self.settled()


@asynccontextmanager
async def at_work(
    folder: Path, server: FakeServer | None = None, code: FakeCode | None = None
) -> AsyncIterator[StagedSession]:
    """The project is deployed, the server is there, nothing has been run."""
    (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    session = StagedSession(folder, server or FakeServer(), code)
    working = asyncio.create_task(session.run())
    try:
        await session.deployed(1)
        await session.until(lambda: session.state.daemon.connected)
        await session.settled()
        yield session
    finally:
        working.cancel()
        await asyncio.wait((working,))
