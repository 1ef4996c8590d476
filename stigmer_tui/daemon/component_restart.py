"""Restarts one process of the daemon, from outside."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from stigmer_tui.api.daemon_pb2 import Component
from stigmer_tui.client.connection import Connection, StreamInterrupted
from stigmer_tui.client.daemon import restart_component, watch_daemon
from stigmer_tui.core.daemon_processes import DaemonProcess
from stigmer_tui.core.errors import StigmerError

READY_LIMIT = 20.0
"""Seconds for a runner to be ready. It needs less than one, but the machine may be busy."""

READY = (Component.READY, Component.BUSY)
ENDED = (Component.FAILED, Component.RESTARTING)


async def restart_and_wait(connection: Connection, process: DaemonProcess, limit: float = READY_LIMIT) -> Component:
    """Returns the component once its new process is ready. Raises StigmerError when it does not come up."""
    await restart_component(connection, process.name)
    try:
        async with asyncio.timeout(limit):
            component = await _settled(connection, process.name)
    except TimeoutError as error:
        raise StigmerError(
            f"The {process.noun} is not ready after {limit:.0f} s", f"See stigmer-tui server logs -c {process.name}"
        ) from error
    if component.state in ENDED:
        why = component.detail.partition("; try again")[0]
        raise StigmerError(f"The {process.noun} does not come up: {why}", "\n".join(component.log_lines))
    return component


async def _settled(connection: Connection, name: str) -> Component:
    async with aclosing(watch_daemon(connection)) as statuses:
        async for status in statuses:
            if isinstance(status, StreamInterrupted):
                continue
            for component in status.components:
                if component.name == name and component.state in (*READY, *ENDED):
                    return component
    raise StigmerError("The server that answers is not a daemon of this program")
