"""Streams that survive the loss of their connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc
from grpc.aio import AioRpcError, Channel

from stigmer_tui.client.connection import Connection
from stigmer_tui.client.errors import ServerGone, explained

Response = TypeVar("Response")

PAUSES = (0.05, 0.1, 0.2, 0.5, 1.0)
"""Seconds between attempts to find a server again; the last one is kept."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The connection is lost and is being looked for; what was missed comes when it is found."""

    attempt: int


async def resumed(
    connection: Connection, start: Callable[[Channel], AsyncIterator[Response]]
) -> AsyncGenerator[Response | Interrupted, None]:
    """One stream after the other, for ever: each that ends, or breaks off, was ended by a server that stops.

    Raises StigmerError when a server refuses, and when there is none to come back to.
    """
    failures = 0
    while True:
        channel = await connection.channel()
        try:
            async for response in start(channel):
                failures = 0
                yield response
        except ServerGone:
            pass
        except AioRpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise explained(error, connection.address) from error
        await connection.lost(channel)
        yield Interrupted(failures)
        await asyncio.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
        failures += 1
