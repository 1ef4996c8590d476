"""Stops the daemon: in good order within a few seconds, by force after that, with nothing left behind."""

from __future__ import annotations

from contextlib import suppress

import psutil

from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import OWNER_MARK, kill_all, marked_processes, process_tree, wait_for_end
from stigmer_tui.daemon.record import clear_record
from stigmer_tui.daemon.running import running_record
from stigmer_tui.daemon.start import one_at_a_time

STOP_LIMIT = 5.0
"""Seconds for the server and its runners together."""


async def stop_daemon(home: Home) -> bool:
    """Returns whether there was one. Raises NoAnswer for one that cannot be told from other processes."""
    if not home.data.is_dir():
        return False
    async with one_at_a_time(home):
        return await _stop(home)


async def _stop(home: Home) -> bool:
    record = await running_record(home)
    tree = process_tree(record.pid) if record else []
    if tree:
        with suppress(psutil.Error):
            tree[0].terminate()
        await wait_for_end(tree, STOP_LIMIT)
    # The commands of a runner that was killed are in no tree.
    orphans = marked_processes(OWNER_MARK, str(home.data))
    remaining = [process for process in [*tree, *orphans] if process.is_running()]
    kill_all(remaining)
    await wait_for_end(remaining, STOP_LIMIT)
    clear_record(home)
    return bool(tree)
