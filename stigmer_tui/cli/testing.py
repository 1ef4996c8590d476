"""`export` and `test`: runs become tests, which are played again offline."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from stigmer_tui.cli.printing import print_styled
from stigmer_tui.cli.resources import Server, ask, reached_server
from stigmer_tui.client.daemon import list_catalogue
from stigmer_tui.client.errors import NotFound
from stigmer_tui.client.executions import is_execution
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.paths import Home, working_folder
from stigmer_tui.headless.texts import MAKE_A_PROJECT, no_project, unknown_execution
from stigmer_tui.project.project_file import is_project
from stigmer_tui.testing import export
from stigmer_tui.testing.cases import case_text, read_case
from stigmer_tui.testing.records import RunRecord, read_run
from stigmer_tui.testing.report import Line, failure_lines, junit, result_line, summary
from stigmer_tui.testing.suite import TestResult, find_tests, run_tests, select
from stigmer_tui.workbench.translation import listed_run

STYLES = {"good": "32", "bad": "31", "bold": "1"}

NEWEST = 1000
"""Runs among which one is found by the name of what ran."""


def export_run(execution_id: str, form: str, to: str, organization: str) -> int:
    """Raises StigmerError for a run that cannot be exported, and for a file that exists."""
    run = asyncio.run(_read(execution_id, organization))
    if form == "test" and not to:
        folder = working_folder() / export.FOLDER
        folder.mkdir(exist_ok=True)
        to = os.path.relpath(export.free_path(folder, run.name))
    match form:
        case "test":
            text = export.as_test(run, Path(to))
        case "script":
            text = export.as_script(run)
        case "json":
            text = export.as_json(run)
        case _:
            text = export.as_markdown(run)
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


@dataclass(frozen=True, slots=True)
class TestOptions:
    __test__ = False  # pytest collects by the name

    files: tuple[Path, ...] = ()
    keyword: str = ""
    last_failed: bool = False
    update: bool = False
    is_sure: bool = False
    junit: str = ""


def run_project_tests(options: TestOptions) -> int:
    """Raises StigmerError where there is no project, and where it cannot be deployed."""
    project, clock = working_folder(), SystemClock()
    if not is_project(project):
        raise no_project(MAKE_A_PROJECT)
    found = find_tests(options.files or [Path(export.FOLDER)])
    failed_before = _last_failed(project) if options.last_failed else None
    selection = select(found, options.keyword, failed_before or None)
    if not selection.cases and not selection.unreadable:
        if found:
            raise StigmerError(f"None of {len(found)} tests is wanted", "Leave -k out.")
        raise StigmerError("There are no tests", "Make one of a run: stigmer-tui export ID-OR-NAME")
    began = clock.monotonic()
    results = asyncio.run(run_tests(selection, project, clock, lambda result: _print(result_line(result))))
    return _conclude(results, options, project, clock.monotonic() - began)


def _conclude(results: Sequence[TestResult], options: TestOptions, project: Path, seconds: float) -> int:
    failed = [result for result in results if not result.is_passed]
    if options.junit:
        Path(options.junit).write_text(junit(results, seconds), encoding="utf-8")
    if options.update:
        updated = [result for result in failed if _update(result, options.is_sure)]
        failed = [result for result in failed if result not in updated]
        results = [replace(result, failures=()) if result in updated else result for result in results]
    for result in failed:
        click.echo()
        for line in failure_lines(result):
            _print(line)
    _remember_failed(project, failed)
    click.echo()
    _print(summary(results, seconds))
    return 1 if failed else 0


def _update(result: TestResult, is_sure: bool) -> bool:
    """Drafts anew what a failing test expects. Returns whether that was done."""
    if result.run is None or result.run.misfits:
        # What is played does not fit any more: only a new recording helps.
        return False
    before = result.path.read_text(encoding="utf-8")
    case = read_case(result.path)
    after = case_text(replace(case, expected=export.drafted(result.run)))
    click.echo()
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), str(result.path), "drafted", lineterm=""):
        _print(Line(line, {"-": "bad", "+": "good"}.get(line[:1], "")))
    if not is_sure:
        ask(f"Rewrite {result.path}?")
    result.path.write_text(after, encoding="utf-8")
    click.echo(f"✓ Rewrote {result.path}")
    return True


def _last_failed_file(project: Path) -> Path:
    home = Home.from_environment(os.environ)
    home.prepare()
    return home.data / "failed-tests.json"


def _last_failed(project: Path) -> list[str]:
    """Paths of the tests of the project that failed the last time."""
    return _all_failed(_last_failed_file(project)).get(str(project), [])


def _remember_failed(project: Path, failed: Sequence[TestResult]) -> None:
    path = _last_failed_file(project)
    known = {**_all_failed(path), str(project): [str(result.path.resolve()) for result in failed]}
    path.write_text(json_text(known), encoding="utf-8")


def _all_failed(path: Path) -> dict[str, list[str]]:
    try:
        found = from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _print(line: Line) -> None:
    print_styled(line.text, STYLES.get(line.style, ""))
