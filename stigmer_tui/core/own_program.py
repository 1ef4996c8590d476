"""This program itself, as a command."""

from __future__ import annotations

import sys


def own_command(*arguments: str) -> list[str]:
    """The command line of this program with other arguments; never imports from the working folder (-P)."""
    return [sys.executable, "-P", "-m", "stigmer_tui", *arguments]
