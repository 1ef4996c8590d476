"""HTTP requests, repeated while that makes sense: attempts, and pauses between them (`docs/compatibility.md` 91)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.workflow.display import excerpt
from stigmer_tui.workflow.failures import HTTP, INTERRUPTED, TaskFailure
from stigmer_tui.workflow.port import EnginePort, HttpFailure, HttpRequest, HttpResponse, Interrupted
from stigmer_tui.workflow.secrets import SecretMarks

MAX_ATTEMPTS = 5
FIRST_PAUSE = 1.0
"""Seconds; each pause is twice as long as the one before."""
MAX_PAUSE = 60.0
"""Seconds, also where the other side asks for more."""

EXCERPT_LENGTH = 200
"""Characters of a failed response that an error message repeats."""

OnAttempt = Callable[[int, str], None]
"""Called before each attempt and each pause: number of the attempt, and why there is a pause."""


async def send(
    engine: EnginePort, key: str, request: HttpRequest, secrets: SecretMarks, on_attempt: OnAttempt
) -> tuple[HttpResponse, int]:
    """The response, and the number of attempts. Raises TaskFailure when no attempt succeeds."""
    for attempt in count(1):
        on_attempt(attempt, "")
        match await engine.activity(f"{key}//request/{attempt}", request, request.policy):
            case HttpResponse() as response:
                return response, attempt
            case HttpFailure(is_transient=True) as failure if attempt < MAX_ATTEMPTS:
                pause = _pause_after(attempt, failure)
                reason = f"{failure.status or failure.message}, again in {duration_text(pause)}"
                on_attempt(attempt + 1, reason)
                await engine.timer(f"{key}//pause/{attempt}", pause)
            case HttpFailure() as failure:
                raise _task_failure(request, attempt, failure, secrets)
            case Interrupted():
                raise TaskFailure(
                    INTERRUPTED,
                    f"{request.title}: the runner was stopped while the request was under way; the other side may have "
                    "carried it out, so it is not sent again",
                )
    raise AssertionError


def _pause_after(attempt: int, failure: HttpFailure) -> float:
    seconds = FIRST_PAUSE * 2 ** (attempt - 1) if failure.retry_after is None else failure.retry_after
    return min(seconds, MAX_PAUSE)


def _task_failure(request: HttpRequest, attempt: int, failure: HttpFailure, secrets: SecretMarks) -> TaskFailure:
    message = f"{request.title}: {failure.message}"
    if content := excerpt(secrets.hide(failure.content), EXCERPT_LENGTH):
        message += f": {content}"
    message += f" ({plural(attempt, 'attempt')})" if attempt > 1 else ""
    return TaskFailure(HTTP, message, failure.status)
