"""Errors that only we can mend: said in a line, and told in full where they can be sent to us from."""

from __future__ import annotations

import os
import traceback
from datetime import UTC, datetime

import click

from stigmer_tui.core.paths import Home


def tell(error: BaseException) -> None:
    log = Home.from_environment(os.environ).log("commands")
    trace = "".join(traceback.format_exception(error))
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{datetime.now(UTC).isoformat()}\n{trace}\n")
        where = f"Where it happened is told in {log}"
    except OSError:
        where = f"Where it happened cannot be told: {log} cannot be written"
    click.echo(f"Error: stigmer-tui met an error of its own: {error!r}\n\n{where}", err=True)
