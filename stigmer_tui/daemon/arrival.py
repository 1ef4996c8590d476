"""Waiting for a daemon that somebody else starts."""

from __future__ import annotations

from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.record import daemon_runs, read_record

LONGEST_LOOK = 1000
"""Milliseconds from look to look, where the system tells nothing of new files."""


async def arrival(home: Home) -> None:
    """Returns when a daemon has said where it is."""
    from watchfiles import awatch

    looks = awatch(home.data, watch_filter=None, recursive=False, rust_timeout=LONGEST_LOOK, yield_on_timeout=True)
    async for _ in looks:
        if daemon_runs(home) and read_record(home):
            return
