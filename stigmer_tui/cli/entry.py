"""The program starts here. Nothing is imported before it is known to be needed: the screen must stand at once."""

from __future__ import annotations

import sys

COMMANDS = ("apply", "new", "run", "server")
HIDDEN_COMMANDS = ("internal-server", "internal-workflow-runner", "internal-agent-runner")


def main() -> None:
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from stigmer_tui import __version__

        sys.stdout.write(f"stigmer-tui {__version__}\n")
        return
    if is_for_app(arguments):
        from stigmer_tui.cli.app import open_app

        sys.exit(open_app(arguments[0] if arguments else ""))
    from stigmer_tui.cli.commands import run_command

    sys.exit(run_command(arguments))


def is_for_app(arguments: list[str]) -> bool:
    """No command means the app: on the working folder, or on the one that is named."""
    if not arguments:
        return True
    first = arguments[0]
    return len(arguments) == 1 and not first.startswith("-") and first not in (*COMMANDS, *HIDDEN_COMMANDS)
