"""What all executions of a runner share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from grpc.aio import Channel

from stigmer_tui.core.clock import Clock
from stigmer_tui.workflow.evaluator import Evaluator
from stigmer_tui.workflow.http_client import HttpClient

MAX_SLEEP = 60.0
"""Seconds. A machine that was asleep itself has not counted them, so the clock is looked at again."""


@dataclass(frozen=True, slots=True)
class EngineResources:
    clock: Clock
    sleep: Callable[[float], Awaitable[None]]
    http: HttpClient
    evaluator: Evaluator
    channel: Channel
    """To the server, for the executions that workflows start."""

    async def sleep_until(self, moment: datetime) -> None:
        while (rest := (moment - self.clock.now()).total_seconds()) > 0:
            await self.sleep(min(rest, MAX_SLEEP))

    async def close(self) -> None:
        await self.evaluator.close()
        await self.http.close()
