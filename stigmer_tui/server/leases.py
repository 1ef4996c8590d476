"""Gives executions to runners, one lease at a time, and takes them back from runners that are gone."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from google.protobuf.message import DecodeError

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import Assignment, Cancel, Heartbeat, Hello, Keys, RunnerMessage, ServerMessage, Welcome
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.daemon_processes import RUNNERS
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.runner_identity import RunnerIdentity
from stigmer_tui.core.storage_errors import StorageError
from stigmer_tui.server.background import Background
from stigmer_tui.server.errors import ApiError, impossible_now
from stigmer_tui.server.execution_state import AgentExecutionState
from stigmer_tui.server.executions import Executions, LiveExecution
from stigmer_tui.server.provider_keys import ProviderKeys

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    silence: float = 20.0
    """Seconds without a heartbeat after which a runner is given up."""
    cancel: float = 5.0
    """Seconds that a runner has to end a cancelled execution; after that the server ends it."""


MAX_LOSSES = 5
"""How often one execution may lose its runner: whatever it does to them, it will do again."""

MAX_MISSED = 2
"""Heartbeats in a row that may leave out a lease; the first may have crossed it on the way."""

READ_PAUSE = 1.0
"""Seconds until an execution is looked at again that could not be read."""

Prepare = Callable[[LiveExecution], Awaitable[Assignment]]
"""Everything that a runner needs for an execution, secrets included. Raises ApiError when something is gone."""


class RunnerProcesses(Protocol):
    """Whoever supervises the runners' processes."""

    changes: ChangeSignal

    def identify(self, token: str) -> RunnerIdentity | None:
        """The runner that was given this token, as long as it runs."""
        ...

    def kill(self, runner: RunnerIdentity) -> None:
        """Ends a runner that no longer says anything; another is started in its place."""
        ...


NAMES = {Hello.Kind.Value(process.kind): process.noun for process in RUNNERS}
"""What a runner is called in sentences, by the kind of what it takes."""


@dataclass(slots=True, eq=False)
class LeaseState:
    id: str
    live: LiveExecution
    sent: bool = False
    cancelling: bool = False
    missed: int = 0
    """How often in a row the runner did not name it among those that it works on."""


@dataclass(slots=True, eq=False)
class Runner:
    identity: RunnerIdentity
    hello: Hello
    outbox: asyncio.Queue[ServerMessage] = field(default_factory=asyncio.Queue)
    leases: dict[str, LeaseState] = field(default_factory=dict)
    draining: bool = False
    problem: str = ""
    """Why it waits, such as a full disk."""

    @property
    def has_room(self) -> bool:
        return not self.draining and len(self.leases) < max(1, self.hello.capacity)


class Leases:
    """Every execution that has not ended is queued, leased to one runner, delayed, or set aside: in one place only."""

    def __init__(
        self,
        executions: Executions,
        prepare: Prepare,
        runners: RunnerProcesses,
        background: Background,
        limits: Limits,
        keys: ProviderKeys,
    ) -> None:
        self._limits = limits
        self._keys = keys
        self._executions = executions
        self._prepare = prepare
        self._processes = runners
        self._spawn = background.spawn
        self._queues: dict[int, OrderedDict[str, LiveExecution]] = {kind: OrderedDict() for kind in NAMES}
        self._runners: list[Runner] = []
        self._leases: dict[str, LeaseState] = {}
        self._losses: dict[str, int] = {}
        self._attempts: dict[str, int] = {}
        self._broken: dict[int, str] = {}
        self._aside: set[str] = set()
        """Executions that no runner is to be given: being cancelled or ended, which takes time while the database
        cannot be written, or unreadable.
        """
        self._delayed: set[str] = set()
        """Executions that are submitted again in a moment."""
        self._astray: set[str] = set()
        """Executions that were found with nobody at the last look."""

    # For the rest of the server

    async def resume(self) -> None:
        """Goes on with what the server before this one left unfinished."""
        doomed = self._executions.store.doomed()
        for execution_id in self._executions.store.unfinished():
            try:
                live = self._executions.open(execution_id)
            except DecodeError:
                # One that cannot be read must not keep the others from going on.
                logger.exception("execution %s cannot be read", execution_id)
                self._aside.add(execution_id)
                continue
            if reason := doomed.get(execution_id):
                self._end(live, Phase.CANCELLED, reason)
            else:
                self.submit(live)

    def submit(self, live: LiveExecution) -> None:
        """To the next runner that has room; one that waits already, or that somebody works on, stays where it is."""
        kind = _kind(live)
        if self._lease_of(live) or live.id in self._queues[kind]:
            return
        if reason := self._broken.get(kind):
            self._end(live, Phase.FAILED, reason)
            return
        self._queues[kind][live.id] = live
        self._assign()

    def leased(self, lease_id: str, identity: RunnerIdentity) -> LiveExecution:
        """The execution of a lease that is in force, and this runner's. Raises ApiError."""
        lease = self._leases.get(lease_id)
        if lease is None or not any(
            lease_id in runner.leases for runner in self._runners if runner.identity == identity
        ):
            raise impossible_now("the lease is over: the execution has ended, or belongs to another runner")
        return lease.live

    async def cancel(self, live: LiveExecution, reason: str) -> None:
        """Asks its runner to end an execution; one that nobody works on ends at once."""
        lease = self._lease_of(live)
        if lease is None or not lease.sent:
            if lease is not None:
                self._release(lease)
            self._queues[_kind(live)].pop(live.id, None)
            self._delayed.discard(live.id)
            # Also when whoever asked for it does not wait until it can be written.
            await asyncio.shield(self._end(live, Phase.CANCELLED, reason))
        elif not lease.cancelling:
            lease.cancelling = True
            # Also when its runner is lost before it has ended it.
            self._aside.add(live.id)
            self._spawn(self._enforce(lease, reason))
            try:
                await self._executions.store.note_cancelled(live.id, reason)
            except StorageError as error:
                # It ends nevertheless, unless this process does first.
                logger.warning("that %s is cancelled cannot be noted: %s", live.id, error.message)

    def runners(self) -> list[Runner]:
        return list(self._runners)

    @property
    def running(self) -> int:
        return len(self._leases)

    def give_up(self, kind: int, reason: str) -> None:
        """There will be no runner of this kind: what waits for one fails, now and later."""
        self._broken[kind] = reason
        while self._queues[kind]:
            _, live = self._queues[kind].popitem(last=False)
            self._end(live, Phase.FAILED, reason)

    def look_for_lost(self) -> None:
        """One that is in no place, at two looks in a row, was lost by an error of ours, and is given out again."""
        known = self._aside.union(self._delayed, *self._queues.values())
        known |= {lease.live.id for lease in self._leases.values()}
        lost = {execution_id for execution_id in self._executions.store.unfinished() if execution_id not in known}
        for execution_id in lost & self._astray:
            logger.error("nobody works on %s, which has not ended; it is given out again", execution_id)
            self._submit_again(self._executions.open(execution_id))
        self._astray = lost - self._astray

    def hand_over_keys(self) -> None:
        """To each runner of agents, before whatever it is given after this."""
        for runner in self._runners:
            if keys := self._keys_for(runner):
                runner.outbox.put_nowait(keys)

    def _keys_for(self, runner: Runner) -> ServerMessage | None:
        if runner.hello.kind != Hello.Kind.AGENTS or not self._keys.variables:
            return None
        return ServerMessage(keys=Keys(variables=self._keys.variables))

    # For runners

    async def attach(
        self, identity: RunnerIdentity, messages: AsyncIterator[RunnerMessage]
    ) -> AsyncIterator[ServerMessage]:
        first = await anext(messages, None)
        if first is None or not first.HasField("hello") or first.hello.kind not in NAMES:
            raise impossible_now("a runner must say first what it runs")
        runner = Runner(identity, first.hello)
        self._runners.append(runner)
        self._broken.pop(runner.hello.kind, None)
        listening = asyncio.create_task(self._listen(runner, messages))
        try:
            yield ServerMessage(welcome=Welcome(silence_limit_ms=int(self._limits.silence * 1000)))
            if keys := self._keys_for(runner):
                yield keys
            self._assign()
            self._processes.changes.note()
            while message := await _next_or_end(runner.outbox, listening):
                yield message
        finally:
            # First of all: a connection that breaks may cancel this call once more while it waits for anything.
            self._detach(runner)
            listening.cancel()
            await asyncio.wait([listening])

    async def _listen(self, runner: Runner, messages: AsyncIterator[RunnerMessage]) -> None:
        """Until the runner leaves, or falls silent."""
        while True:
            try:
                message = await asyncio.wait_for(anext(messages, None), self._limits.silence)
            except TimeoutError:
                logger.error("%s (pid %d) is silent", runner.identity.name, runner.identity.pid)
                self._processes.kill(runner.identity)
                return
            if message is None:
                return
            if message.HasField("draining"):
                runner.draining = True
            if message.HasField("heartbeat"):
                self._compare(runner, message.heartbeat)
                with suppress(StorageError):
                    self.look_for_lost()

    def _compare(self, runner: Runner, heartbeat: Heartbeat) -> None:
        """What the runner works on with what it should; an execution that it has dropped is given out again."""
        if runner.problem != heartbeat.problem:
            runner.problem = heartbeat.problem
            self._processes.changes.note()
        if heartbeat.model:
            runner.hello.model = heartbeat.model
            self._processes.changes.note()
        held = set(heartbeat.lease_ids)
        for lease in list(runner.leases.values()):
            lease.missed = 0 if lease.id in held or not lease.sent else lease.missed + 1
            if lease.missed >= MAX_MISSED:
                logger.error("%s has dropped execution %s", runner.identity.name, lease.live.id)
                self._release(lease)
                self._resubmit(lease, runner)

    def _detach(self, runner: Runner) -> None:
        self._runners.remove(runner)
        for lease in list(runner.leases.values()):
            self._release(lease)
            self._resubmit(lease, runner)
        self._processes.changes.note()

    def _resubmit(self, lease: LeaseState, runner: Runner) -> None:
        live = lease.live
        if live.phase.is_final or live.deleted or lease.cancelling:
            return
        if runner.draining:
            self.submit(live)
        else:
            self._submit_again(live)

    def _submit_again(self, live: LiveExecution) -> None:
        """After its runner was lost; not for ever."""
        losses = self._losses[live.id] = self._losses.get(live.id, 0) + 1
        if losses >= MAX_LOSSES:
            name = NAMES[_kind(live)]
            error = f"The {name} stopped {losses} times while it worked on this; see stigmer-tui server logs"
            self._end(live, Phase.FAILED, error)
        else:
            self.submit(live)

    def _end(self, live: LiveExecution, phase: Phase, reason: str) -> asyncio.Task[None]:
        self._aside.add(live.id)
        task = self._spawn(self._executions.end(live, phase, reason))
        task.add_done_callback(lambda _: self._aside.discard(live.id))
        return task

    def _assign(self) -> None:
        for kind, queue in self._queues.items():
            while queue and (runner := self._free_runner(kind)):
                _, live = queue.popitem(last=False)
                lease = LeaseState(f"lease_{uuid4().hex}", live)
                runner.leases[lease.id] = self._leases[lease.id] = lease
                self._spawn(self._hand_over(lease, runner))

    def _free_runner(self, kind: int) -> Runner | None:
        free = [runner for runner in self._runners if runner.hello.kind == kind and runner.has_room]
        return min(free, key=lambda runner: len(runner.leases), default=None)

    async def _hand_over(self, lease: LeaseState, runner: Runner) -> None:
        live = lease.live
        try:
            assignment = await self._prepare(live)
        except Exception as error:
            self._release(lease)
            if isinstance(error, StorageError) and error.may_pass:
                self._delayed.add(live.id)
                self._spawn(self._submit_later(live))
            else:
                self._end(live, Phase.FAILED, _reason(live, error))
            self._assign()
            return
        self._attempts[live.id] = assignment.attempt = self._attempts.get(live.id, 0) + 1
        assignment.lease_id = lease.id
        if lease.id not in self._leases:
            return
        lease.sent = True
        runner.outbox.put_nowait(ServerMessage(assignment=assignment))
        self._processes.changes.note()
        await live.ended()
        self._attempts.pop(live.id, None)
        self._losses.pop(live.id, None)
        self._release(lease)
        self._assign()
        self._processes.changes.note()

    async def _submit_later(self, live: LiveExecution) -> None:
        await asyncio.sleep(READ_PAUSE)
        if live.id in self._delayed:
            self._delayed.discard(live.id)
            self.submit(live)

    async def _enforce(self, lease: LeaseState, reason: str) -> None:
        for runner in self._runners:
            if lease.id in runner.leases:
                runner.outbox.put_nowait(ServerMessage(cancel=Cancel(lease_id=lease.id, reason=reason)))
        try:
            await asyncio.wait_for(lease.live.ended(), self._limits.cancel)
        except TimeoutError:
            logger.warning("execution %s was not cancelled by its runner in time", lease.live.id)
        self._release(lease)
        self._end(lease.live, Phase.CANCELLED, reason)

    def _lease_of(self, live: LiveExecution) -> LeaseState | None:
        return next((lease for lease in self._leases.values() if lease.live is live), None)

    def _release(self, lease: LeaseState) -> None:
        self._leases.pop(lease.id, None)
        for runner in self._runners:
            runner.leases.pop(lease.id, None)


def _kind(live: LiveExecution) -> Hello.Kind.ValueType:
    return Hello.AGENTS if isinstance(live.state, AgentExecutionState) else Hello.WORKFLOWS


def _reason(live: LiveExecution, error: Exception) -> str:
    """Why it cannot be given to a runner."""
    if isinstance(error, ApiError | StigmerError):
        return error.message
    logger.error("execution %s cannot be prepared", live.id, exc_info=error)
    return f"The server could not prepare this ({type(error).__name__}); see stigmer-tui server logs"


async def _next_or_end(outbox: asyncio.Queue[ServerMessage], listening: asyncio.Task[None]) -> ServerMessage | None:
    """The next message to send, or None when the runner has gone."""
    get = asyncio.create_task(outbox.get())
    try:
        await asyncio.wait((get, listening), return_when=asyncio.FIRST_COMPLETED)
        return get.result() if get.done() else None
    finally:
        get.cancel()
