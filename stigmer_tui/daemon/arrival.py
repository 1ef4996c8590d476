"""Waiting for a daemon that somebody else starts."""

from __future__ import annotations

from contextlib import aclosing

from stigmer_tui.core.file_notifications import file_notifications
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.record import daemon_runs, read_record

POLL_INTERVAL_MS = 1000
"""Milliseconds from look to look, where the system tells nothing of new files."""


async def wait_for_daemon(home: Home) -> None:
    """Returns when a daemon has said where it is."""
    looks = file_notifications(home.data, step=50, debounce=200, timeout=POLL_INTERVAL_MS)
    async with aclosing(looks):
        async for _ in looks:
            if daemon_runs(home) and read_record(home):
                return
