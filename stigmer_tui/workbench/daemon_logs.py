"""The log lines of our own daemon, for a screen: the last ones, then new ones as they are written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from stigmer_tui.core.daemon_processes import LOG_LEVELS, PROCESSES
from stigmer_tui.core.ids import find_execution
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.logs import LogFilter, LogLine, LogTails, last_lines

__all__ = ["COMPONENTS", "LOG_LEVELS", "MAX_LINES", "LogFilter", "LogLine", "execution_of", "watch_logs"]

MAX_LINES = 20_000
"""The newest ones, which a screen keeps."""

COMPONENTS = tuple(process.name for process in PROCESSES)


async def watch_logs(home: Home, execution: str = "") -> AsyncGenerator[Sequence[LogLine]]:
    """All lines, or those about an execution: those that there are, and then new ones, until cancelled."""
    wanted = LogFilter(execution=execution)
    # Before the older lines are read, so that there is no gap.
    tails = await asyncio.to_thread(LogTails, home, wanted)
    last = await asyncio.to_thread(last_lines, home, MAX_LINES, wanted)
    yield last
    known = set(last)
    async with aclosing(tails.lines()) as lines:
        async for line in lines:
            # Lines that arrived meanwhile may be in both.
            if line not in known:
                yield [line]


def execution_of(line: LogLine) -> str:
    """Id of the execution that a line is about; empty for none."""
    # Earlier versions did not write it where the message names it.
    return line.execution or find_execution(line.message)
