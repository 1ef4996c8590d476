"""Internal errors: one line for the user, and the traceback in a file for a bug report."""

from __future__ import annotations

import os
import traceback
from datetime import UTC, datetime

import click

from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.known_secrets import clean, remember_environment
from stigmer_tui.core.paths import Home
from stigmer_tui.core.private_files import make_private_folders, opener


def tell(error: BaseException) -> None:
    remember_environment(os.environ)
    trace = clean("".join(traceback.format_exception(error)))
    try:
        log = Home.from_environment(os.environ).log("commands")
        make_private_folders([log.parent])
        with open(log, "a", encoding="utf-8", errors="replace", opener=opener) as file:
            file.write(f"{datetime.now(UTC).isoformat()}\n{trace}\n")
        where = f"The traceback is in {log}"
    except (OSError, StigmerError):
        where = "The traceback cannot be kept: there is no place to write to"
    click.echo(f"Error: stigmer-tui met an internal error: {clean(repr(error))}\n\n{where}", err=True)
