"""Leases executions to runners, and takes them back from runners that are gone."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from google.protobuf.message import DecodeError

from stigmer_tui.api.phases import Phase
from stigmer_tui.api.runner_pb2 import (
    Assignment,
    Cancel,
    Heartbeat,
    Hello,
    Keys,
    RunnerMessage,
    ServerMessage,
    Welcome,
)
from stigmer_tui.core.changes import ChangeSignal
from stigmer_tui.core.daemon_processes import RUNNERS, Ask, RunnerIdentity
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.storage_errors import StorageError
from stigmer_tui.server.attached_runner import LeaseState, Runner, runner_kind
from stigmer_tui.server.background import Background
from stigmer_tui.server.errors import ApiError, impossible_now
from stigmer_tui.server.executions import Executions, LiveExecution
from stigmer_tui.server.provider_keys import ProviderKeys

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LeaseLimits:
    absence: float = 20.0
    """Seconds without its process after which a run of a task has failed."""
    cancel: float = 5.0
    """Seconds for a runner to end a cancelled execution before the server does."""


MAX_LOSSES = 5
"""Runners that one execution may lose before it fails, because it probably kills them."""

MAX_MISSED = 2
"""Heartbeats in a row that may lack a lease; the first may have crossed the assignment."""

READ_PAUSE = 1.0
"""Seconds before an execution that could not be read is tried again."""

Prepare = Callable[[LiveExecution], Awaitable[Assignment]]
"""Makes the assignment for an execution, secrets included. Raises ApiError if something is gone."""


class RunnerProcesses(Protocol):
    """The supervisor of the runners' processes."""

    changes: ChangeSignal

    def identify(self, token: str) -> RunnerIdentity | None:
        """The running runner with this token, or None."""
        ...

    def reported(self, runner: RunnerIdentity, ask: Ask) -> None:
        """A runner has come, and can be asked how it is."""
        ...


NAMES = {Hello.Kind.Value(process.kind): process.noun for process in RUNNERS}
"""Names of runners in sentences, by kind."""


class Leases:
    """Every unfinished execution is in exactly one place: queued, leased, delayed, or set aside."""

    def __init__(
        self,
        executions: Executions,
        prepare: Prepare,
        runners: RunnerProcesses,
        background: Background,
        limits: LeaseLimits,
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
        """Executions that must not be leased: unreadable, or being cancelled or ended, which takes time while the
        database cannot be written.
        """
        self._delayed: set[str] = set()
        """Executions that will be submitted again after a pause."""
        self._unplaced: set[str] = set()
        """Executions that were in no place at the last check."""

    # For the rest of the server

    async def resume(self) -> None:
        """Submits what the previous server left unfinished."""
        pending_cancellations = self._executions.store.pending_cancellations()
        for execution_id in {**dict.fromkeys(self._executions.store.unfinished()), **pending_cancellations}:
            try:
                live = self._executions.open(execution_id)
            except DecodeError:
                # One unreadable execution must not block the others.
                logger.exception("execution %s cannot be read", execution_id)
                self._aside.add(execution_id)
                continue
            if reason := pending_cancellations.get(execution_id):
                self._end(live, Phase.CANCELLED, reason)
            else:
                self.submit(live)

    def submit(self, live: LiveExecution) -> None:
        """Queues an execution for the next runner with room, unless it is queued or leased already."""
        kind = runner_kind(live)
        if self._lease_of(live) or live.id in self._queues[kind]:
            return
        if reason := self._broken.get(kind):
            self._end(live, Phase.FAILED, reason)
            return
        self._queues[kind][live.id] = live
        self._assign()

    def leased(self, lease_id: str, identity: RunnerIdentity) -> LiveExecution:
        """The execution of a valid lease of this runner. Raises ApiError."""
        lease = self._leases.get(lease_id)
        if lease is None or not any(
            lease_id in runner.leases for runner in self._runners if runner.identity == identity
        ):
            raise impossible_now("the lease is over: the execution has ended, or belongs to another runner")
        return lease.live

    async def lease_part(self, live: LiveExecution, whole: str, identity: RunnerIdentity) -> Assignment:
        """Leases a part of a leased execution to the runner that has the lease `whole`. Raises ApiError."""
        assignment = await self._prepare(live)
        self.leased(whole, identity)
        if former := self._lease_of(live):
            self._release(former)
        runner = next(runner for runner in self._runners if whole in runner.leases)
        lease = LeaseState(f"lease_{uuid4().hex}", live, sent=True, is_part=True)
        runner.leases[lease.id] = self._leases[lease.id] = lease
        self._attempts[live.id] = assignment.attempt = self._attempts.get(live.id, 0) + 1
        assignment.lease_id = lease.id
        name, caller = assigned_name(assignment), self._leases[whole].live.id
        logger.info("execution %s of %s is given to the %s, for %s", live.id, name, identity.name, caller)
        self._spawn(self._release_at_end(lease))
        return assignment

    async def cancel(self, live: LiveExecution, reason: str) -> None:
        """Asks the runner to end an execution; ends it at once if it is not leased."""
        lease = self._lease_of(live)
        if lease is None or not lease.sent:
            if lease is not None:
                self._release(lease)
            self._queues[runner_kind(live)].pop(live.id, None)
            self._delayed.discard(live.id)
            # Also if the caller is cancelled before it can be written.
            await asyncio.shield(self._end(live, Phase.CANCELLED, reason))
        elif not lease.cancelling:
            lease.cancelling = True
            # Also if its runner is lost meanwhile.
            self._aside.add(live.id)
            self._spawn(self._enforce(lease, reason))
            try:
                await self._executions.store.note_cancelled(live.id, reason)
            except StorageError as error:
                # It is cancelled nevertheless, unless this process ends first.
                logger.warning("that %s is cancelled cannot be noted: %s", live.id, error.message)

    def runners(self) -> list[Runner]:
        return list(self._runners)

    @property
    def running(self) -> int:
        return len(self._leases)

    def queued(self, kind: int) -> int:
        """How many executions wait for a runner of this kind."""
        return len(self._queues[kind])

    def expect_kind(self, kind: int) -> None:
        """There will be a runner of this kind after all: executions wait for it again."""
        self._broken.pop(kind, None)

    def fail_kind(self, kind: int, reason: str) -> None:
        """Fails all executions that wait for a runner of this kind, now and later, because there will be none."""
        self._broken[kind] = reason
        while self._queues[kind]:
            _, live = self._queues[kind].popitem(last=False)
            self._end(live, Phase.FAILED, reason)

    def resubmit_lost(self) -> None:
        """Submits executions again that were in no place at two checks in a row, which only a bug can cause."""
        known = self._aside.union(self._delayed, *self._queues.values())
        known |= {lease.live.id for lease in self._leases.values()}
        lost = {execution_id for execution_id in self._executions.store.unfinished() if execution_id not in known}
        for execution_id in lost & self._unplaced:
            logger.error("nobody works on %s, which has not ended; it is given out again", execution_id)
            self._submit_again(self._executions.open(execution_id))
        self._unplaced = lost - self._unplaced

    def hand_over_keys(self) -> None:
        """Sends the provider keys to each agent runner, before its next assignment. It says which model it has then."""
        for runner in self._runners:
            if Hello.Kind.AGENTS in runner.capacities:
                runner.outbox.put_nowait(self._keys_message())

    def _keys_message(self) -> ServerMessage:
        return ServerMessage(keys=Keys(variables=self._keys.variables))

    # For runners

    async def attach(
        self, identity: RunnerIdentity, messages: AsyncIterator[RunnerMessage]
    ) -> AsyncIterator[ServerMessage]:
        first = await anext(messages, None)
        if first is None or not first.HasField("hello"):
            raise impossible_now("a runner must say first what it runs")
        runner = Runner(identity, first.hello)
        if unknown := runner.capacities.keys() - NAMES.keys():
            raise impossible_now(f"this server has no executions of the kinds {sorted(unknown)} that the runner takes")
        self._runners.append(runner)
        for kind in runner.capacities:
            self._broken.pop(kind, None)
        listening = asyncio.create_task(self._listen(runner, messages))
        try:
            ended = self._executions.store.ended_of(first.hello.recorded)
            yield ServerMessage(welcome=Welcome(ended=ended))
            if Hello.Kind.AGENTS in runner.capacities and self._keys.variables:
                yield self._keys_message()
            self._assign()
            self._processes.reported(identity, runner.ask)
            while message := await runner.next_message(listening):
                yield message
        finally:
            # First, because a broken connection may cancel this call again at any await.
            self._detach(runner)
            listening.cancel()
            await asyncio.wait([listening])

    async def _listen(self, runner: Runner, messages: AsyncIterator[RunnerMessage]) -> None:
        """Handles messages until the runner leaves."""
        async for message in messages:
            if message.HasField("draining"):
                runner.draining = True
            if message.HasField("heartbeat"):
                self._compare(runner, message.heartbeat)
                with suppress(StorageError):
                    self.resubmit_lost()

    def _compare(self, runner: Runner, heartbeat: Heartbeat) -> None:
        """Compares a heartbeat with the leases; submits executions again that the runner has dropped."""
        runner.take_answer(heartbeat.problem)
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
        if live.phase.is_final or live.deleted or lease.cancelling or lease.is_part:
            return
        if runner.draining:
            self.submit(live)
        else:
            self._submit_again(live)

    def _submit_again(self, live: LiveExecution) -> None:
        """After the loss of its runner; fails it after MAX_LOSSES."""
        losses = self._losses[live.id] = self._losses.get(live.id, 0) + 1
        if losses >= MAX_LOSSES:
            name = NAMES[runner_kind(live)]
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
        free = [runner for runner in self._runners if runner.has_room(kind)]
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
        again = f", for the {assignment.attempt}. time" if assignment.attempt > 1 else ""
        name = assigned_name(assignment)
        logger.info("execution %s of %s is given to the %s%s", live.id, name, runner.identity.name, again)
        runner.outbox.put_nowait(ServerMessage(assignment=assignment))
        self._processes.changes.note()
        await self._release_at_end(lease)

    async def _release_at_end(self, lease: LeaseState) -> None:
        live = lease.live
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


def assigned_name(assignment: Assignment) -> str:
    """Of the agent or workflow; a sub-agent has no slug."""
    work = assignment.agent.agent if assignment.HasField("agent") else assignment.workflow.workflow
    return work.metadata.slug or work.metadata.name


def _reason(live: LiveExecution, error: Exception) -> str:
    """Why the execution cannot be leased."""
    if isinstance(error, ApiError | StigmerError):
        return error.message
    logger.error("execution %s cannot be prepared", live.id, exc_info=error)
    return f"The server could not prepare this ({type(error).__name__}); see stigmer-tui server logs"
