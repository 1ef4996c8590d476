"""Which failures of a model are worth asking again, and when."""

from __future__ import annotations

from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
)

from stigmer_tui.agents.models.faults import CutShortError, fault_in

PAUSES = (1.0, 2.0)
"""Seconds before each time that a model is asked again, where the provider asks for nothing else."""
MAX_PAUSE = 60.0
"""Seconds. A provider that asks for a longer one is not asked again."""

_PASSING = (ModelRateLimitError, ModelServerError, ModelUnavailableError, ModelConnectionError)


def pause_after(error: ModelAPIError, retries: int) -> float | None:
    """Seconds to wait before asking again, after so many retries; None when that is of no use."""
    wanted = error.headers.get("x-should-retry") if isinstance(error, ModelHTTPError) and error.headers else None
    if retries >= len(PAUSES) or wanted == "false":
        return None
    if wanted != "true" and not _is_passing(error):
        return None
    pause = max(PAUSES[retries], error.retry_after or 0.0)
    return pause if pause <= MAX_PAUSE else None


def _is_passing(error: ModelAPIError) -> bool:
    if fault := fault_in(error):
        return isinstance(fault, CutShortError)
    if isinstance(error, ModelTimeoutError):
        # Whoever has waited for an answer has waited long.
        return error.phase == "connect"
    if isinstance(error, ModelHTTPError) and error.status_code in (408, 409):
        return True
    return isinstance(error, _PASSING)
