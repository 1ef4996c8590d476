"""What all executions of a runner share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grpc.aio import Channel

from stigmer_tui.core.clock import Clock
from stigmer_tui.workflow.evaluator import Evaluator
from stigmer_tui.workflow.port import SendsHttp

MAX_SLEEP = 60.0
"""Seconds. A sleep does not count those in which the machine slept itself, so the clock is looked at again."""


@dataclass(frozen=True, slots=True)
class EngineResources:
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    http: SendsHttp
    evaluator: Evaluator
    channel: Channel
    """To the server, for the executions that workflows start."""
    recordings: Path | None = None
    """Where those are that runs of tests play."""
    is_traced: bool = False
    """Whether requests carry the trace of their execution."""

    async def wait(self, seconds: float) -> None:
        """By the monotonic clock: one that is set during the wait makes it neither shorter nor longer."""
        end = self.clock.monotonic() + seconds
        while (rest := end - self.clock.monotonic()) > 0:
            await self.sleep(min(rest, MAX_SLEEP))

    def rest_until(self, moment: datetime, whole: float) -> float:
        """Seconds left of a wait of `whole` seconds that another process may have begun: never more than all of it."""
        return min(whole, (moment - self.clock.now()).total_seconds())

    async def close(self) -> None:
        await self.evaluator.close()
        await self.http.close()
