"""Installs a binary of the agent runner that was built here: `make install-agent-runner`."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path

from stigmer_tui import __version__
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import make_private_folders
from stigmer_tui.daemon.agent_runner_binary import AgentRunnerBinary, Condition


def main(built: Path) -> int:
    binary = AgentRunnerBinary(Home.from_environment(os.environ), __version__)
    try:
        install(binary, built)
    except StigmerError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    sys.stdout.write(f"Installed {binary.path}, version {__version__}\nUse it: stigmer-tui server restart\n")
    return 0


def install(binary: AgentRunnerBinary, built: Path) -> None:
    """Raises StigmerError."""
    found = binary.find()
    if found.condition is Condition.FOREIGN:
        raise StigmerError(f"{binary.path} {found.why}", "Move it away, and try again.")
    make_private_folders([binary.home.binaries])
    scratch = binary.scratch
    shutil.copyfile(built, scratch)
    asyncio.run(binary.install(scratch))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
