"""Stops the daemon: in good order within a few seconds, by force after that, with nothing left behind."""

from __future__ import annotations

from contextlib import suppress

import psutil

from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import OWNER_MARK, kill_all, marked_processes, process_tree, wait_for_end
from stigmer_tui.daemon.record import read_record, remove_record

STOP_LIMIT = 5.0
"""Seconds for the server and its runners together."""


async def stop_daemon(home: Home) -> bool:
    """Returns whether there was one."""
    record = read_record(home)
    tree = process_tree(record.pid) if record and record.alive else []
    if tree:
        with suppress(psutil.Error):
            tree[0].terminate()
        await wait_for_end(tree, STOP_LIMIT)
    # The commands of a runner that was killed are in no tree.
    orphans = marked_processes(OWNER_MARK, str(home.data))
    remaining = [process for process in [*tree, *orphans] if process.is_running()]
    kill_all(remaining)
    await wait_for_end(remaining, STOP_LIMIT)
    remove_record(home)
    return bool(tree)
