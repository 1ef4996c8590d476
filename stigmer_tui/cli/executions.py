"""`execution list`, `show`, `cancel` and `delete`: runs that are under way or have ended."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import click

from stigmer_tui.cli.printing import Column, local_time, message_text, print_difference, print_result, print_rows
from stigmer_tui.cli.resources import ask, reached_server
from stigmer_tui.cli.run import output_for
from stigmer_tui.client import executions
from stigmer_tui.client.daemon import list_catalogue
from stigmer_tui.client.errors import NotFound
from stigmer_tui.core.clock import SystemClock, timestamp
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import working_folder
from stigmer_tui.core.redaction import Redactor
from stigmer_tui.core.units import duration_text
from stigmer_tui.headless.output import Output
from stigmer_tui.headless.run import BY_INTERRUPT
from stigmer_tui.headless.run_comparison import print_comparison
from stigmer_tui.headless.texts import unknown_execution
from stigmer_tui.workbench.backend import Backend
from stigmer_tui.workbench.events import RunChanged, RunDetached, RunEnded, RunStarted
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.run_comparison import compare_runs
from stigmer_tui.workbench.run_history import read_execution
from stigmer_tui.workbench.run_query import FoundRun, parse_query
from stigmer_tui.workbench.services import load_services
from stigmer_tui.workbench.state import ShownRun
from stigmer_tui.workbench.translation import listed_run

PIPE_WIDTH = 160
"""Columns of what nobody sees in a window."""

COLUMNS = (
    Column("STATE", "state"),
    Column("KIND", "kind"),
    Column("NAME", "resource"),
    Column("STARTED", "created_at", local_time),
    Column("TOOK", "seconds", duration_text),
    Column("ID", "id"),
    Column("MESSAGE", "message"),
)


FOUND = (*COLUMNS[:-1], Column("FOUND", "excerpts", lambda excerpts: str(excerpts[0])))


def search_executions(written: str, number: int, organization: str, output: str) -> int:
    async def run() -> int:
        query = parse_query(written, SystemClock())
        async with _backend(organization) as backend:
            found = [each async for some in backend.search(query, number) for each in some]
        rows = [_row(each.run) | {"excerpts": _excerpts(each, output)} for each in found]
        print_rows(rows, FOUND if query.text else COLUMNS, output, _id, f"No execution matches {written}")
        return 0

    return asyncio.run(run())


def _excerpts(found: FoundRun, output: str) -> list[Any]:
    """For people as they read them, for programs with their parts."""
    if output == "table":
        return list(found.excerpts)
    return [{"source": excerpt.source, "text": excerpt.text} for excerpt in found.excerpts]


def list_newest(number: int, organization: str, output: str) -> int:
    async def run() -> int:
        async with reached_server(organization) as server:
            catalogue = await list_catalogue(server.connection, server.organization, number)
        if catalogue is None:
            raise StigmerError(f"The server at {server.connection.address} cannot list its executions")
        rows = [_row(listed_run(each)) for each in catalogue.runs]
        print_rows(rows, COLUMNS, output, _id, f"The organization {server.organization} has no executions")
        return 0

    return asyncio.run(run())


def _id(row: dict[str, Any]) -> str:
    return str(row["id"])


def _row(run: Run) -> dict[str, Any]:
    took = (run.completed_at - run.started_at).total_seconds() if run.started_at and run.completed_at else None
    return {
        "state": run.state.value,
        "kind": run.kind.value,
        "resource": run.resource,
        "seconds": took,
        "id": run.id,
        "message": run.message,
        "error": run.error,
        "created_at": timestamp(run.created_at) if run.created_at else "",
        "started_at": timestamp(run.started_at) if run.started_at else "",
        "completed_at": timestamp(run.completed_at) if run.completed_at else "",
    }


def show_execution(execution_id: str, organization: str, output: str) -> int:
    if output in ("table", "name"):
        return asyncio.run(_show_row(execution_id, organization, output))
    if output == "yaml":
        return asyncio.run(_show_stored(execution_id, organization, output))
    return asyncio.run(_show(execution_id, organization, output_for(output == "json", Redactor(()), SystemClock())))


def get_execution(execution_id: str, organization: str, output: str) -> int:
    """As other kinds are got: as it is stored, or in a line."""
    show = _show_row if output in ("table", "name") else _show_stored
    return asyncio.run(show(execution_id, organization, output))


async def _show_row(execution_id: str, organization: str, output: str) -> int:
    async with _backend(organization) as backend:
        print_rows([_row(await _find(backend, execution_id))], COLUMNS, output, _id, "")
    return 0


async def _show_stored(execution_id: str, organization: str, output: str) -> int:
    _check_id(execution_id)
    async with reached_server(organization) as server:
        try:
            stored = await executions.get(server.connection, execution_id)
        except NotFound:
            raise unknown_execution(execution_id) from None
    click.echo(message_text(stored, output))
    return 0


async def _show(execution_id: str, organization: str, output: Output) -> int:
    async with _backend(organization) as backend:
        run = await _find(backend, execution_id)
        execution = await read_execution(backend, run)
    output.take(RunStarted(ShownRun(execution, Resource(run.kind, run.resource_id, run.resource, run.resource))))
    output.take(RunChanged(execution))
    output.take(RunEnded(execution) if execution.state.is_final else RunDetached(execution))
    return 0


def compare_executions(first: str, second: str, organization: str, output: str) -> int:
    async def run() -> int:
        async with _backend(organization) as backend:
            one, other = [await read_execution(backend, await _find(backend, each)) for each in (first, second)]
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
        comparison = compare_runs(one, other, SystemClock().now())
        print_comparison(comparison, output == "json", width, print_difference)
        return 0

    return asyncio.run(run())


def cancel_execution(execution_id: str, organization: str, output: str) -> int:
    async def run() -> int:
        async with _backend(organization) as backend:
            found = await _find(backend, execution_id)
            if found.state.is_final:
                raise StigmerError(f"The execution {found.id} has ended already: it is {found.state}")
            execution = await backend.open(found)
            await backend.cancel(found.id, BY_INTERRUPT)
            await backend.follow(execution, lambda: None, lambda: None, 0)
        done = {"id": execution.id, "kind": execution.kind.value, "state": execution.state.value}
        print_result(done, output, _ending(execution))
        return 0

    return asyncio.run(run())


def _ending(execution: Execution) -> str:
    """It may have ended by itself a moment before."""
    return f"✓ The execution {execution.id} is {execution.state}"


def delete_execution(execution_id: str, organization: str, is_sure: bool, output: str) -> int:
    async def run() -> int:
        _check_id(execution_id)
        async with reached_server(organization) as server:
            try:
                stored = await executions.get(server.connection, execution_id)
                if not is_sure:
                    ask(f"Delete the execution {stored.metadata.id} and all that is kept of it?")
                await executions.delete(server.connection, execution_id)
            except NotFound:
                raise unknown_execution(execution_id) from None
        done = {"id": stored.metadata.id, "kind": "execution", "action": "deleted"}
        print_result(done, output, f"✓ Deleted the execution {stored.metadata.id}")
        return 0

    return asyncio.run(run())


async def _find(backend: Backend, execution_id: str) -> Run:
    _check_id(execution_id)
    found = await backend.find(execution_id)
    if not isinstance(found, Run):
        raise unknown_execution(execution_id)
    return found


def _check_id(text: str) -> None:
    if not executions.is_execution(text):
        raise StigmerError(
            f"{text!r} is not the id of an execution", "Such ids begin with agx_ or wfx_: stigmer-tui execution list"
        )


@asynccontextmanager
async def _backend(organization: str) -> AsyncIterator[Backend]:
    configuration = load_configuration(os.environ)
    backend = load_services(configuration, working_folder(), organization, SystemClock()).backend
    try:
        yield backend
    finally:
        await backend.close()
