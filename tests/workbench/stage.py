"""A session without a wire, without processes and without time: a server, a project and saves that a test plays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.project.snapshot import ChangeKind, FileChange
from stigmer_tui.project.watch import Change, WatchProblem
from stigmer_tui.workbench.abilities import Abilities, CannotCancel
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.deployment import Deployment
from stigmer_tui.workbench.development import WatchLoop
from stigmer_tui.workbench.model import Execution, Resource, ResourceKind, RunState
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import ApplySummary, RunInput

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
    """In the place of the backend. Executions run until somebody ends them."""

    can_cancel: bool = True
    is_ours: bool = True
    created: list[tuple[str, RunInput]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    looks: int = 0
    organization: str = "local"
    lacking: tuple[str, ...] = ()
    """Names of keys that the person has and the daemon has not."""
    statuses: asyncio.Queue[DaemonState] = field(default_factory=asyncio.Queue)
    may_create: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_create.set()

    async def connect(self) -> str:
        self.looks += 1
        return "127.0.0.1:1"

    async def wait_for_server(self) -> None:
        await self.arrived.wait()
        self.arrived.clear()

    async def close(self) -> None:
        return

    def last_log_lines(self) -> tuple[str, ...]:
        return ()

    async def abilities(self) -> Abilities:
        return Abilities(self.is_ours, self.can_cancel)

    async def hand_over_keys(self) -> tuple[str, ...]:
        """The daemon has them as long as it runs."""
        lacking, self.lacking = self.lacking, ()
        return lacking

    async def look_up(self, resources: Any, runs: Any) -> Any:
        return tuple(resources), tuple(runs)

    async def lists(self) -> None:
        return None

    async def watch_lists(self) -> AsyncIterator[Any]:
        if self.is_ours:
            yield (TALLY, OTHER), ()
            await asyncio.Event().wait()

    async def watch_daemon(self) -> AsyncIterator[Any]:
        while self.is_ours:
            yield await self.statuses.get()

    async def create(self, resource: Resource, run_input: RunInput) -> Execution:
        await self.may_create.wait()
        self.created.append((resource.slug, run_input))
        return Execution(resource.kind, f"wfx_{len(self.created)}", resource.slug, run_input.message, RunState.RUNNING)

    async def cancel(self, execution_id: str, reason: str) -> None:
        if not self.can_cancel:
            raise CannotCancel("The server at 127.0.0.1:1 cannot cancel executions")
        self.cancelled.append(execution_id)

    async def follow(
        self, execution: Execution, changed: Callable[[], None], interrupted: Callable[[], None], interval_ms: int
    ) -> None:
        await asyncio.Event().wait()


class FakeWatcher:
    """Tells of the saves of a test. A save that is not told yet is told when somebody asks."""

    file_count = 1

    def __init__(self, clock: StoppedClock) -> None:
        self._clock = clock
        self._saved: list[str] = []
        self._told: asyncio.Queue[Change] = asyncio.Queue()
        self._wanted = asyncio.Event()

    async def __aenter__(self) -> FakeWatcher:
        return self

    async def __aexit__(self, *error: object) -> None:
        return

    def __aiter__(self) -> FakeWatcher:
        return self

    async def __anext__(self) -> Change | WatchProblem:
        self._wanted.set()
        change = await self._told.get()
        self._wanted.clear()
        return change

    def save(self, name: str = "main.py") -> None:
        """The system has not told of it yet."""
        self._saved.append(name)

    def notice(self) -> None:
        for name in self._saved:
            self._told.put_nowait(Change((FileChange(name, ChangeKind.CHANGED, 1, 1),), self._clock.now()))
        self._saved.clear()

    async def caught_up(self) -> None:
        self.notice()
        while not self._told.empty():  # noqa: ASYNC110 - there is no time here
            await asyncio.sleep(0)
        await self._wanted.wait()


@dataclass
class FakeCode:
    """What the project's code comes to."""

    affected: tuple[Resource, ...] = (TALLY,)
    failure: StigmerError | None = None
    runs: int = 0
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_end.set()


class FakeDeployer:
    class project:  # noqa: N801
        name = "demo"

    def __init__(self, code: FakeCode) -> None:
        self._code = code

    async def synthesize(self, variables: Mapping[str, str]) -> int:
        self._code.runs += 1
        await self._code.may_end.wait()
        if self._code.failure:
            raise self._code.failure
        return 2

    async def apply(self) -> Deployment:
        affected = frozenset((resource.kind, resource.slug) for resource in self._code.affected)
        return Deployment(ApplySummary(NOON, updated=("tally",)), (), affected)


class StagedSession(Session):
    def __init__(self, folder: Path, server: FakeServer, code: FakeCode) -> None:
        self.time = StoppedClock()
        self.server, self.code, self.watcher = server, code, FakeWatcher(self.time)
        super().__init__(Configuration(Home(folder / "home")), folder, self.time)
        self._moved = asyncio.Event()
        self.board.changed = self._moved.set

    def _load(self) -> Any:
        def deployer(*_: object) -> Any:
            return FakeDeployer(self.code)

        server: Any = self.server
        watcher: Any = self.watcher
        parts = self.folder, server, self.board, self.time, self._run_again, self._take_deployment
        return server, WatchLoop(*parts, watch=lambda folder: watcher, deployer=deployer)

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
async def at_work(folder: Path, server: FakeServer | None = None, code: FakeCode | None = None) -> AsyncIterator[Any]:
    """The project is deployed, the server is there, nothing has been run."""
    (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
    session = StagedSession(folder, server or FakeServer(), code or FakeCode())
    working = asyncio.create_task(session.run())
    try:
        await session.deployed(1)
        await session.until(lambda: session.state.daemon.connected)
        await session.settled()
        yield session
    finally:
        working.cancel()
        await asyncio.wait((working,))
