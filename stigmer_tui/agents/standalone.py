"""The agent runner as a program of its own, which `make build-agent-runner` makes of this file.

    agent-runner            the process that the daemon starts
    agent-runner --version

It needs no Python on the machine. Its keepers (`core/kept_program`) are this program too.
"""

from __future__ import annotations

import sys

from stigmer_tui.core.kept_program import KEEPER_COMMAND


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    match arguments:
        case [command, *rest] if command == KEEPER_COMMAND:
            # Before all that takes time to load: there is a keeper for each command of an agent.
            from stigmer_tui.core.keeper import main as keep

            keep(rest)
            return 0
        case ["--version" | "-V"]:
            from stigmer_tui import __version__
            from stigmer_tui.core.daemon_processes import AGENT_RUNNER

            sys.stdout.write(f"{AGENT_RUNNER.name} {__version__}\n")
            return 0
        case []:
            return _run()
        case _:
            sys.stderr.write("Error: The agent runner takes no arguments; the daemon starts it\n")
            return 2


def _run() -> int:
    from stigmer_tui.core.daemon_processes import AGENT_RUNNER
    from stigmer_tui.core.errors import StigmerError
    from stigmer_tui.runners.process import run_runner

    try:
        run_runner(AGENT_RUNNER)
    except StigmerError as error:
        sys.stderr.write(f"Error: {error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
