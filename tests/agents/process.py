"""An agent runner as a process: `python -m tests.agents.process ADDRESS`, its home in STIGMER_HOME."""

from __future__ import annotations

import asyncio
import os
import sys

from stigmer_tui.agents.runner import run_agents
from stigmer_tui.api.channel import open_channel
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.runners.process import run_process


def main(address: str) -> None:
    configuration = load_configuration(os.environ)

    async def work(stopping: asyncio.Event) -> None:
        channel = open_channel(address)
        try:
            await run_agents(configuration, channel, stopping)
        finally:
            await channel.close()

    run_process("agent-runner", configuration.home, work)


if __name__ == "__main__":
    main(sys.argv[1])
