"""HTTP requests of one execution: repeated while that makes sense, and never carried out twice where that matters."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.runners.journal import ExecutionJournal
from stigmer_tui.runners.lease import Lease, StopReason
from stigmer_tui.workflow.context import HttpRequest, HttpResponse, WatchAttempts
from stigmer_tui.workflow.display import excerpt
from stigmer_tui.workflow.embedded.engine import Engine
from stigmer_tui.workflow.failures import HTTP, INTERRUPTED, TaskFailure
from stigmer_tui.workflow.http_failures import HttpFailure
from stigmer_tui.workflow.secrets import Secrets

MAX_ATTEMPTS = 5
FIRST_PAUSE = 1.0
"""Seconds; each pause is twice as long as the one before (`docs/compatibility.md` 91)."""
MAX_PAUSE = 60.0
"""Seconds, also where the other side asks for more."""

EXCERPT = 200
"""Characters of an unwelcome answer that are worth repeating."""


@dataclass(frozen=True, slots=True)
class Pause:
    attempt: int
    """The one that follows."""
    until: datetime
    reason: str


class Requests:
    """A request has a step in the journal: begun while it waits for another attempt, or is under way and must not be
    carried out twice; done when there is an answer or a failure.
    """

    def __init__(self, engine: Engine, lease: Lease, journal: ExecutionJournal, secrets: Secrets) -> None:
        self._engine = engine
        self._lease = lease
        self._journal = journal
        self._secrets = secrets

    async def run(self, key: str, request: HttpRequest, watch: WatchAttempts) -> HttpResponse:
        """Raises TaskFailure when there is no success after all attempts."""
        step = f"{key}//request"
        recorded = self._journal.find(step)
        outgoing = self._outgoing(key, request)
        attempt = 1
        if recorded is not None and recorded.done:
            return _answer_from(recorded.value)
        if recorded is not None:
            if "pause" not in recorded.value:
                raise self._interrupted(step, request)
            attempt = await self._sleep(_pause_from(recorded.value), watch)
        while True:
            watch(attempt, "")
            if not request.is_repeatable:
                await self._announce(step, attempt)
            outcome, is_cancelled = await self._settle(outgoing)
            result = self._record(step, request, attempt, outcome)
            if not request.is_safe:
                await self._journal.flush()
            if is_cancelled:
                raise asyncio.CancelledError
            match result:
                case Pause():
                    attempt = await self._sleep(result, watch)
                case TaskFailure():
                    raise result
                case HttpResponse():
                    return result

    async def _announce(self, step: str, attempt: int) -> None:
        """Returns when it is on record that the request may have been carried out."""
        try:
            await self._journal.begin(step, {"under_way": attempt})
        except asyncio.CancelledError:
            # It was not sent after all.
            self._journal.note(step, {"pause": _pause_data(Pause(attempt, self._engine.clock.now(), ""))}, done=False)
            raise

    async def _settle(self, request: HttpRequest) -> tuple[HttpResponse | HttpFailure, bool]:
        """The outcome of an attempt, and whether the run was cancelled meanwhile: while draining it is waited for."""
        sending = asyncio.create_task(self._send(request))
        try:
            await asyncio.wait([sending])
            return sending.result(), False
        except asyncio.CancelledError:
            if self._lease.ending is not StopReason.DRAINING:
                raise
            await asyncio.wait([sending])
            return sending.result(), True
        finally:
            sending.cancel()

    async def _send(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        try:
            return await self._engine.http.send(request)
        except HttpFailure as failure:
            return failure

    def _record(
        self, step: str, request: HttpRequest, attempt: int, outcome: HttpResponse | HttpFailure
    ) -> HttpResponse | TaskFailure | Pause:
        if isinstance(outcome, HttpResponse):
            answer = replace(outcome, data=self._secrets.clean(outcome.data), attempt=attempt)
            self._journal.note(step, {"answer": asdict(answer)})
            return answer
        if outcome.is_passing and attempt < MAX_ATTEMPTS:
            pause = self._pause_after(attempt, outcome)
            self._journal.note(step, {"pause": _pause_data(pause)}, done=False)
            return pause
        message = self._secrets.hide(f"{request.title}: {outcome.message}")
        if content := excerpt(self._secrets.hide(outcome.content), EXCERPT):
            message += f": {content}"
        message += f" ({plural(attempt, 'attempt')})" if attempt > 1 else ""
        failure = TaskFailure(HTTP, message, outcome.status)
        self._journal.note(step, {"failure": failure.to_data()})
        return failure

    def _pause_after(self, attempt: int, failure: HttpFailure) -> Pause:
        seconds = FIRST_PAUSE * 2 ** (attempt - 1) if failure.retry_after is None else failure.retry_after
        seconds = min(seconds, MAX_PAUSE)
        what = failure.status or failure.message
        until = self._engine.clock.now() + timedelta(seconds=seconds)
        return Pause(attempt + 1, until, self._secrets.hide(f"{what}, again in {duration_text(seconds)}"))

    async def _sleep(self, pause: Pause, watch: WatchAttempts) -> int:
        watch(pause.attempt, pause.reason)
        await self._engine.sleep_until(pause.until)
        return pause.attempt

    def _interrupted(self, step: str, request: HttpRequest) -> TaskFailure:
        failure = TaskFailure(
            INTERRUPTED,
            f"{request.title}: the runner was stopped while the request was under way; the other side may have carried "
            "it out, so it is not sent again",
        )
        self._journal.note(step, {"failure": failure.to_data()})
        return failure

    def _outgoing(self, key: str, request: HttpRequest) -> HttpRequest:
        """With the values of secrets, and a key by which the other side can tell a repetition from a new request."""
        headers = {name: self._secrets.reveal_text(value) for name, value in request.headers.items()}
        if not request.is_repeatable and "idempotency-key" not in map(str.lower, headers):
            headers["Idempotency-Key"] = quote(f"{self._lease.execution_id}{key}")
        return replace(
            request,
            uri=self._secrets.reveal_text(request.uri),
            headers=headers,
            body=self._secrets.reveal(request.body),
        )


def _pause_data(pause: Pause) -> Any:
    return [pause.attempt, pause.until.isoformat(), pause.reason]


def _pause_from(value: Any) -> Pause:
    attempt, until, reason = value["pause"]
    return Pause(attempt, datetime.fromisoformat(until), reason)


def _answer_from(value: Any) -> HttpResponse:
    if "failure" in value:
        raise TaskFailure.from_data(value["failure"])
    return HttpResponse(**value["answer"])
