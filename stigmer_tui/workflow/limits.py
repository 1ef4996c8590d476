"""Limits that end what would never end, or never fit."""

from __future__ import annotations

from stigmer_tui.workflow.failures import LIMIT, TaskFailure

MAX_STEPS = 100_000
"""Tasks that may run in one execution, iterations and repetitions counted."""

MAX_RESPONSE_SIZE = 10_000_000
"""Bytes of an HTTP answer."""

MAX_BODY = 32 * 1024**2
"""Characters of the body of an HTTP request."""


class StepLimit:
    def __init__(self) -> None:
        self._steps = 0

    def count(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise TaskFailure(LIMIT, f"{MAX_STEPS:,} tasks have run in this execution; is there a loop without an end?")


def check_iterations(count: float) -> None:
    if count > MAX_STEPS:
        raise TaskFailure(
            LIMIT, f"{count:,} iterations are more than the {MAX_STEPS:,} tasks that an execution may run"
        )
