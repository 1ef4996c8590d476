"""The entry point. Imports are lazy, so that the screen appears at once."""

from __future__ import annotations

import os
import sys

from stigmer_tui.cli import COMPLETION
from stigmer_tui.cli.sections import SECTIONS

COMMANDS = frozenset(name for _, names in SECTIONS for name in names)
"""Those of `commands.program`, which is not loaded for the app."""
INTERNAL = "internal-"
"""Prefix of the hidden commands that run the daemon's processes."""


def main() -> None:
    arguments = use_context(sys.argv[1:])
    if arguments in (["--version"], ["-V"]):
        from stigmer_tui import __version__

        sys.stdout.write(f"stigmer-tui {__version__}\n")
        return
    if instruction := os.environ.get(COMPLETION):
        from stigmer_tui.cli.invocation import complete_for_shell, exit_process

        exit_process(complete_for_shell(instruction))
    if is_for_app(arguments):
        from stigmer_tui.cli.app import open_app

        *options, path = arguments or [""]
        sys.exit(open_app(path, has_manifests=bool(options)))
    from stigmer_tui.cli.invocation import exit_process, run_command

    code = run_command(arguments)
    if is_internal(arguments):
        sys.exit(code)
    exit_process(code)


def use_context(arguments: list[str]) -> list[str]:
    """Notes the context that stands before anything else; returns the other arguments."""
    first, _, name = arguments[0].partition("=") if arguments else ("", "", "")
    if first != "--context":
        return arguments
    rest = arguments[1:] if name else arguments[2:]
    if name := name or "".join(arguments[1:2]):
        from stigmer_tui.core.settings import choose_context

        choose_context(os.environ, name)
        return rest
    return arguments


def is_for_app(arguments: list[str]) -> bool:
    """Whether to open the app: without a command, on the working folder or on the given one, or on manifests."""
    if not arguments:
        return True
    first = arguments[0]
    if first in ("-f", "--file"):
        return len(arguments) == 2
    return len(arguments) == 1 and not first.startswith("-") and first not in COMMANDS and not is_internal(arguments)


def is_internal(arguments: list[str]) -> bool:
    """Whether this is a process of the daemon."""
    if not arguments or not arguments[0].startswith(INTERNAL):
        return False
    from stigmer_tui.core.daemon_processes import PROCESSES

    return arguments[0] in [process.command for process in PROCESSES]
