"""`export`: a run becomes a test, a script, JSON or Markdown."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from stigmer_tui.cli.resources import Server, reached_server
from stigmer_tui.client.daemon import list_catalogue
from stigmer_tui.client.errors import NotFound
from stigmer_tui.client.executions import is_execution
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import working_folder
from stigmer_tui.headless.texts import unknown_execution
from stigmer_tui.project.project_file import project_folder, tests_folder
from stigmer_tui.testing import export
from stigmer_tui.testing.records import RunRecord, read_run
from stigmer_tui.workbench.project_tests import Form
from stigmer_tui.workbench.translation import listed_run

NEWEST = 1000
"""Runs among which one is found by the name of what ran."""


def export_run(execution_id: str, form: str, to: str, organization: str) -> int:
    """Raises StigmerError for a run that cannot be exported, and for a file that exists."""
    run = asyncio.run(_read(execution_id, organization))
    if form == "test" and not to:
        folder = tests_folder(project_folder(working_folder()))
        folder.mkdir(parents=True, exist_ok=True)
        to = os.path.relpath(export.free_path(folder, run.name))
    text = export.text_of(run, Form(form), Path(to))
    if not to:
        click.echo(text, nl=False)
        return 0
    _write_new(Path(to), text)
    click.echo(f"✓ Wrote {to}")
    if form == "test":
        click.echo(f"Edit what it expects, then: stigmer-tui test {to}")
    return 0


async def _read(execution_id: str, organization: str) -> RunRecord:
    async with reached_server(organization) as server:
        if not is_execution(execution_id):
            execution_id = await _newest_of(server, execution_id)
        try:
            return await read_run(server.connection, execution_id)
        except NotFound as error:
            if "request" in error.message:
                raise
            raise unknown_execution(execution_id) from None


async def _newest_of(server: Server, name: str) -> str:
    """The newest run of the agent or workflow of this name. Raises StigmerError where there is none."""
    catalogue = await list_catalogue(server.connection, server.organization, NEWEST)
    runs = [listed_run(each) for each in catalogue.runs] if catalogue is not None else []
    found = next((run.id for run in runs if run.resource == name), None)
    if found is None:
        raise StigmerError(f"There is no run of {name}", "See what has run: stigmer-tui execution list")
    return found


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise StigmerError(f"{path} exists already", "Name another file: --to FILE") from None
