"""The workflow runner as a process of its own, for tests that kill it: `python -m … HOME ADDRESS`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from stigmer_tui.api.channel import open_channel
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.paths import Home
from stigmer_tui.runners.process import run_process
from stigmer_tui.workflow.runner import run_workflows

HOME, ADDRESS = sys.argv[1:]


async def run(stopping: asyncio.Event) -> None:
    channel = open_channel(ADDRESS)
    try:
        await run_workflows(Configuration(Home(Path(HOME))), channel, stopping)
    finally:
        await channel.close()


if __name__ == "__main__":
    run_process("workflow-runner", Home(Path(HOME)), run)
