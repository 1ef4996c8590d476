"""Finds the daemon that runs, or waits for one that another process starts. Ready means that it answered."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from grpc.aio import AioRpcError

from stigmer_tui import __version__
from stigmer_tui.client.endpoint import Endpoint, probe
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.file_notifications import file_notifications
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.record import DaemonRecord, daemon_runs, read_record
from stigmer_tui.daemon.token import read_token

SILENCE_LIMIT = 2.0
"""Seconds for a running daemon to answer."""


PAUSE = 0.05
"""Seconds between polls of a daemon that is starting or ending."""


class NoAnswer(StigmerError):  # noqa: N818 - what there is instead of one
    """The daemon's process exists but does not answer."""

    @classmethod
    def of(cls, record: DaemonRecord) -> NoAnswer:
        return cls(
            f"The daemon (pid {record.pid}) does not answer at {record.address}",
            "It is stopped or stuck; end it with: stigmer-tui server stop",
        )

    @classmethod
    def unknown(cls, home: Home) -> NoAnswer:
        return cls(
            f"A process holds {home.daemon_lock}, and it is not known which",
            "It belongs to another container or machine, or the file was changed; end it there, or find it with: "
            f"lsof {home.daemon_lock}",
        )


async def ensure_daemon(configuration: Configuration) -> Endpoint:
    """Returns the endpoint of the daemon, after starting it if needed; an idle one of an older version is replaced.

    Raises StigmerError.
    """
    if endpoint := await running_endpoint(configuration.home):
        record = read_record(configuration.home)
        if record is None or record.version == __version__:
            return endpoint
        from stigmer_tui.daemon.upgrade import upgraded

        return await upgraded(configuration, endpoint, record)
    # Imported lazily: not needed if the daemon runs.
    from stigmer_tui.daemon.lifecycle import start_daemon

    return await start_daemon(configuration)


async def running_endpoint(home: Home) -> Endpoint | None:
    """The endpoint of a running daemon, or None. Raises NoAnswer."""
    end = time.monotonic() + SILENCE_LIMIT
    while record := await running_record(home):
        endpoint = endpoint_of(home, record)
        try:
            await probe(endpoint)
        except AioRpcError as error:
            # An ending process stops answering a moment before it is gone.
            if time.monotonic() > end:
                raise NoAnswer.of(record) from error
            await asyncio.sleep(PAUSE)
        else:
            return endpoint
    return None


async def running_record(home: Home) -> DaemonRecord | None:
    """Of the daemon that runs; None when there is none. Raises NoAnswer."""
    end = time.monotonic() + SILENCE_LIMIT
    while daemon_runs(home):
        record = read_record(home)
        if record and record.alive:
            return record
        # One that starts has not said yet who it is, and one that ends says it no more.
        if time.monotonic() > end:
            raise NoAnswer.unknown(home)
        await asyncio.sleep(PAUSE)
    return None


def endpoint_of(home: Home, record: DaemonRecord) -> Endpoint:
    return Endpoint(record.address, read_token(home.token))


POLL_INTERVAL_MS = 1000
"""Milliseconds from look to look, where the system tells nothing of new files."""


async def wait_for_daemon(home: Home) -> None:
    """Returns when a daemon has said where it is."""
    looks = file_notifications(home.data, step=50, debounce=200, timeout=POLL_INTERVAL_MS)
    async with aclosing(looks):
        async for _ in looks:
            if daemon_runs(home) and read_record(home):
                return
