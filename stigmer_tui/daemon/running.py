"""Finds the daemon that runs. Ready means that it answered."""

from __future__ import annotations

import asyncio
import time

from grpc.aio import AioRpcError

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.client.probe import probe
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.record import DaemonRecord, read_record
from stigmer_tui.daemon.token import read_token

SILENCE_LIMIT = 2.0
"""Seconds in which a daemon that runs must say something."""


class NoAnswer(StigmerError):  # noqa: N818 - what there is instead of one
    """The daemon's process is there, and nothing comes from it."""

    def __init__(self, record: DaemonRecord) -> None:
        super().__init__(
            f"The daemon (pid {record.pid}) does not answer at {record.address}",
            "It is stopped or stuck; end it with: stigmer-tui server stop",
        )


async def running_endpoint(home: Home) -> Endpoint | None:
    """Of a daemon that is there and answers; None when there is none. Raises NoAnswer."""
    end = time.monotonic() + SILENCE_LIMIT
    while (record := read_record(home)) and record.alive:
        endpoint = endpoint_of(home, record)
        try:
            await probe(endpoint)
        except AioRpcError as error:
            # One that was killed, or is about to end, is deaf a moment before it is gone.
            if time.monotonic() > end:
                raise NoAnswer(record) from error
            await asyncio.sleep(0.05)
        else:
            return endpoint
    return None


def endpoint_of(home: Home, record: DaemonRecord) -> Endpoint:
    return Endpoint(record.address, read_token(home))
