"""The engine port on a journal: each step of a run is recorded under its key, so that any runner can go on with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID

from stigmer_tui.core.units import duration_text
from stigmer_tui.runners.journal import ExecutionJournal, JournalStep
from stigmer_tui.runners.lease import Lease, StopReason
from stigmer_tui.workflow.child_executions import ChildError
from stigmer_tui.workflow.embedded.resources import EngineResources
from stigmer_tui.workflow.embedded.seed import RunSeed, recorded_seed
from stigmer_tui.workflow.failures import SIGNAL, TaskFailure
from stigmer_tui.workflow.port import (
    ActivityPolicy,
    ActivityRequest,
    ActivityResult,
    ChildEnd,
    ChildRequest,
    ChildResult,
    Interrupted,
    content_of,
    decode_result,
    encode_result,
    is_success,
)
from stigmer_tui.workflow.secrets import SecretMarks
from stigmer_tui.workflow.worker import ActivityWorker

Result = TypeVar("Result")

CHECKPOINT_INTERVAL = 64
"""Tasks between two pauses in which the journal, and everything else, catches up."""

UNDER_WAY = "under way"
"""The value of a step that may have been carried out."""


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """A run whose results another one starts with. Its journal is only read."""

    execution_id: str
    journal: ExecutionJournal
    fork: str = ""
    """Key of the task from which on everything is done anew; empty to reuse whatever is the same."""

    def failed_tasks(self) -> frozenset[str]:
        """Keys of the tasks in which something failed and nothing succeeded: there is nothing in them to reuse."""
        succeeded: set[str] = set()
        failed: set[str] = set()
        for key, step in self.journal:
            # Results are lists; the steps of tasks and timers are not.
            if step.done and isinstance(step.value, list):
                task = key.rpartition("//")[0]
                (succeeded if is_success(decode_result(step.value)) else failed).add(task)
        return frozenset(failed - succeeded)


class EmbeddedEngine:
    """A task has a step under its key, with the times of its start and end. What it asks for has steps below it, as in
    `/task//request/1`, with a digest of the request, by which a later run finds out whether it asks for the same.
    """

    def __init__(
        self,
        lease: Lease,
        journal: ExecutionJournal,
        seed: RunSeed,
        resources: EngineResources,
        worker: ActivityWorker,
        marks: SecretMarks,
        earlier: EarlierRun | None = None,
    ) -> None:
        self._lease = lease
        self._journal = journal
        self._seed = seed
        self._resources = resources
        self._worker = worker
        self._marks = marks
        self._earlier = earlier
        earlier_seed = recorded_seed(earlier.journal) if earlier else None
        self._failed_tasks = earlier.failed_tasks() if earlier else frozenset()
        self._earlier_nonce = earlier_seed.nonce if earlier_seed else seed.nonce
        self._ahead = {key for key, step in journal if step.done and "finished" in step.value}
        self._origins: dict[str, str] = {}
        """Of tasks all of whose steps were taken over; empty for those that did any work themselves."""
        self._tasks = 0

    @property
    def is_replaying(self) -> bool:
        """Whether there are still tasks ahead that another process has finished."""
        return bool(self._ahead)

    async def task_started(self, key: str) -> datetime:
        self._tasks += 1
        if self._tasks % CHECKPOINT_INTERVAL == 0:
            await self._journal.flush()
        if self._earlier is not None and key == self._earlier.fork:
            self._earlier = None
        return self._started(key)

    def task_ended(self, key: str) -> datetime:
        self._ahead.discard(key)
        recorded = self._journal.find(key)
        if recorded is not None and recorded.done:
            return datetime.fromisoformat(recorded.value["finished"])
        value = {"started": self._started(key).isoformat()} if recorded is None else recorded.value
        # A task that was taken over ended when it did then, unless it has done anything of its own.
        if "finished" not in value or self._earlier is None or self._origins.get(key) == "":
            value = {**value, "finished": self._resources.clock.now().isoformat()}
        self._journal.note(key, value)
        return datetime.fromisoformat(value["finished"])

    def new_id(self, key: str) -> str:
        task = self._journal.find(key.rpartition(":")[0])
        nonce = task.value.get("nonce", self._seed.nonce) if task is not None else self._seed.nonce
        digest = blake2b(key.encode(), key=nonce.encode(), digest_size=16).digest()
        return str(UUID(bytes=digest, version=4))

    async def activity(self, key: str, request: ActivityRequest, policy: ActivityPolicy) -> ActivityResult:
        if policy is ActivityPolicy.PURE:
            return await self._worker.perform(request)
        content = self._marks.digest(content_of(request))
        recorded = self._recorded(key, content)
        if recorded is not None and recorded.done:
            result: ActivityResult = decode_result(recorded.value)
            return result
        if recorded is not None and recorded.value == UNDER_WAY:
            self._journal.note(key, encode_result(Interrupted()), content=content)
            return Interrupted()
        if policy is ActivityPolicy.ONCE:
            await self._announce(key, content)
        result, is_cancelled = await self._settle(request)
        self._journal.note(key, encode_result(result), content=content)
        if policy is not ActivityPolicy.SAFE:
            await self._journal.flush()
        if is_cancelled:
            raise asyncio.CancelledError
        return result

    async def timer(self, key: str, seconds: float) -> None:
        content = self._marks.digest(f"timer {seconds}")
        recorded = self._recorded(key, content)
        if recorded is not None:
            rest = self._resources.rest_until(datetime.fromisoformat(recorded.value["until"]), seconds)
        else:
            rest = seconds
            until = self._resources.clock.now() + timedelta(seconds=seconds)
            self._journal.note(key, {"until": until.isoformat()}, content=content)
        await self._resources.wait(rest)

    async def child(self, key: str, request: ChildRequest, started: Callable[[str], None]) -> ChildResult:
        step = f"{key}//child"
        content = self._marks.digest(content_of(request))
        recorded = self._recorded(step, content)
        if recorded is not None and recorded.done:
            result: ChildResult = decode_result(recorded.value)
            if result.execution_id:
                started(result.execution_id)
            return result
        if recorded is not None:
            deadline = datetime.fromisoformat(recorded.value["deadline"])
        else:
            deadline = self._resources.clock.now() + timedelta(seconds=request.timeout)
            self._journal.note(step, {"deadline": deadline.isoformat()}, done=False, content=content)
        result = await self._run_child(key, request, started, deadline)
        self._journal.note(step, encode_result(result), content=content)
        return result

    async def signal(self, key: str, name: str) -> Any:
        raise TaskFailure(SIGNAL, f"the signal {name} cannot be waited for: this engine has no signals yet")

    async def parallel(self, branches: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(branch) for branch in branches]
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    def reused_from(self, key: str) -> str:
        return self._origins.get(key, "")

    def _started(self, key: str) -> datetime:
        recorded = self._journal.find(key)
        if recorded is not None:
            return datetime.fromisoformat(recorded.value["started"])
        self._ahead.clear()
        value = {"started": self._resources.clock.now().isoformat()}
        if self._earlier is not None and (earlier := self._earlier.journal.find(key)) is not None:
            # With the times and identifiers that it had then, a task asks for the same.
            value = {"nonce": self._earlier_nonce} | earlier.value
        self._journal.note(key, value, done=False)
        return datetime.fromisoformat(value["started"])

    def _recorded(self, key: str, content: str) -> JournalStep | None:
        """The step of this execution; else that of the earlier one, where it asked for the same and did not fail."""
        step = self._journal.find(key)
        task = key.rpartition("//")[0]
        if step is None and self._earlier is not None and task not in self._failed_tasks:
            earlier = self._earlier.journal.find(key)
            if earlier is not None and earlier.done and earlier.content == content:
                origin = earlier.origin or self._earlier.execution_id
                self._journal.note(key, earlier.value, content=content, origin=origin)
                step = self._journal.find(key)
        origin = step.origin if step is not None else ""
        self._origins[task] = origin if self._origins.get(task, origin) else ""
        return step

    async def _announce(self, key: str, content: str) -> None:
        """Returns when it is on record that the activity may have been carried out."""
        try:
            await self._journal.begin(key, UNDER_WAY, content=content)
        except asyncio.CancelledError:
            # It was not sent after all.
            self._journal.note(key, None, done=False, content=content)
            raise

    async def _settle(self, request: ActivityRequest) -> tuple[ActivityResult, bool]:
        """The result, and whether the run was cancelled meanwhile: while draining, an activity under way is awaited."""
        performing = asyncio.create_task(self._worker.perform(request))
        try:
            await asyncio.wait([performing])
            return performing.result(), False
        except asyncio.CancelledError:
            if self._lease.ending is not StopReason.DRAINING:
                raise
            await asyncio.wait([performing])
            return performing.result(), True
        finally:
            performing.cancel()

    async def _run_child(
        self, key: str, request: ChildRequest, started: Callable[[str], None], deadline: datetime
    ) -> ChildResult:
        try:
            execution_id = await self._worker.start_child(key, request)
        except ChildError as error:
            return ChildResult(ChildEnd.NOT_STARTED, error=str(error))
        started(execution_id)
        rest = self._resources.rest_until(deadline, request.timeout) if request.timeout else None
        try:
            async with asyncio.timeout(rest):
                return await self._worker.follow_child(execution_id)
        except TimeoutError:
            await self._worker.cancel_child(execution_id, f"no answer within {duration_text(request.timeout)}")
            return ChildResult(ChildEnd.TIMED_OUT, execution_id)
        except asyncio.CancelledError:
            if self._lease.ending is StopReason.CANCELLED:
                await self._worker.cancel_child(execution_id, self._lease.reason)
            raise
