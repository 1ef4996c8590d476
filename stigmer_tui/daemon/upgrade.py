"""What becomes of a running daemon of an older version: replaced when it is idle, else left at work."""

from __future__ import annotations

from stigmer_tui import __version__
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.versions import is_older
from stigmer_tui.daemon.lifecycle import replace_daemon
from stigmer_tui.daemon.record import DaemonRecord
from stigmer_tui.daemon.status import status_of


async def upgraded(configuration: Configuration, endpoint: Endpoint, running: DaemonRecord) -> Endpoint:
    """The endpoint of a new daemon, where the running one is older and idle; else the one that was given.

    Raises StigmerError when the new one does not start.
    """
    if not is_older(running.version, __version__) or not await _is_idle(endpoint):
        return endpoint
    return await replace_daemon(configuration, running)


async def _is_idle(endpoint: Endpoint) -> bool:
    try:
        status = await status_of(endpoint)
    except StigmerError:
        return False
    return status is not None and not status.running and not any(each.queued for each in status.components)
