"""`test`: plays the tests of a project, or asks models, and prints how they went."""

from __future__ import annotations

import asyncio
import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import click

from stigmer_tui.cli.printing import print_styled
from stigmer_tui.cli.resources import ask
from stigmer_tui.core.clock import SystemClock, timestamp
from stigmer_tui.core.configuration import load_configuration
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.control_text import json_text
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.paths import Home, working_folder
from stigmer_tui.core.units import plural
from stigmer_tui.headless.texts import MAKE_A_PROJECT, no_project
from stigmer_tui.project.project_file import find_project, tests_folder
from stigmer_tui.testing import export
from stigmer_tui.testing.cases import case_text, read_case
from stigmer_tui.testing.live import HowToRun, LiveModels, live_models
from stigmer_tui.testing.program_reports import junit, result_data, summary_data
from stigmer_tui.testing.report import Line, failure_lines, model_table, result_lines, summary
from stigmer_tui.testing.results import Attempt, TestResult
from stigmer_tui.testing.suite import find_tests, run_tests, select

STYLES = {"good": "32", "bad": "31", "uncertain": "33", "bold": "1"}


@dataclass(frozen=True, slots=True)
class TestOptions:
    __test__ = False  # pytest collects by the name

    files: tuple[Path, ...] = ()
    keyword: str = ""
    last_failed: bool = False
    update: bool = False
    is_sure: bool = False
    junit: str = ""
    as_json: bool = False
    is_live: bool = False
    models: tuple[str, ...] = ()
    repeat: int = 1
    min_pass: float = 1.0


class Output(Protocol):
    """Where results are told."""

    def took(self, result: TestResult) -> None:
        """One is there."""

    def ended(self, results: Sequence[TestResult], seconds: float) -> None:
        """All are."""


def run_project_tests(options: TestOptions) -> int:
    """Raises StigmerError where there is no project, and where it cannot be deployed."""
    project, clock = find_project(working_folder()), SystemClock()
    if project is None:
        raise no_project(MAKE_A_PROJECT)
    found = find_tests(options.files or [Path(os.path.relpath(tests_folder(project)))])
    failed_before = _last_failed(project) if options.last_failed else None
    selection = select(found, options.keyword, failed_before or None)
    if not selection.cases and not selection.unreadable:
        if found:
            raise StigmerError(f"None of {len(found)} tests is wanted", "Leave -k out.")
        raise StigmerError("There are no tests", "Make one of a run: stigmer-tui export ID-OR-NAME")
    rubrics = sum(bool(case.expected.judge) for case in selection.cases)
    output: Output = JsonLines() if options.as_json else Text(options, rubrics)
    how = HowToRun(
        options.repeat, options.min_pass, _live_models() if options.is_live else None, options.models or ("",)
    )
    began = clock.monotonic()
    results = asyncio.run(run_tests(selection, project, clock, output.took, how))
    if options.update:
        results = [_updated(result, options.is_sure) for result in results]
    seconds = clock.monotonic() - began
    if options.junit:
        Path(options.junit).write_text(junit(results, seconds), encoding="utf-8")
    _remember_failed(project, [result for result in results if not result.is_passed])
    output.ended(results, seconds)
    return 0 if all(result.is_passed for result in results) else 1


def _live_models() -> LiveModels:
    """Those that this person has configured, with their keys. Raises StigmerError for a keyring that stays locked."""
    # Loaded where models are asked.
    from stigmer_tui.agents.models.current import CurrentModels, with_key
    from stigmer_tui.core.stored_keys import KeyStore

    configuration = load_configuration(os.environ)
    home = configuration.home
    file, store = ConfigurationFile.read(home.configuration), KeyStore(home)
    keys: dict[str, str] = {}
    if store.list():
        chooser = CurrentModels(home, os.environ, store).chooser()
        if (choice := asyncio.run(with_key(chooser.choose(has_script=True), store))).stored:
            keys[choice.key_variable] = choice.key
    return live_models(configuration, file, keys)


class Text:
    """Lines for people."""

    def __init__(self, options: TestOptions, rubrics: int) -> None:
        """`rubrics`: how many tests have one for a judge."""
        self._options = options
        self._rubrics = rubrics

    def took(self, result: TestResult) -> None:
        for line in result_lines(result, self._options.is_live):
            _print(line)

    def ended(self, results: Sequence[TestResult], seconds: float) -> None:
        for result in results:
            if any(attempt.failures for attempt in result.attempts):
                click.echo()
                for line in failure_lines(result):
                    _print(line)
        if self._options.models:
            click.echo()
            for line in model_table(results):
                _print(line)
        click.echo()
        if self._rubrics and not self._options.is_live:
            _print(Line(f"{plural(self._rubrics, 'test')} with a rubric, which a model grades only with --live"))
        _print(summary(results, seconds))


class JsonLines:
    """A JSON object a line, for programs."""

    def __init__(self) -> None:
        self._clock = SystemClock()

    def took(self, result: TestResult) -> None:
        self._write({"event": "test", **result_data(result)})

    def ended(self, results: Sequence[TestResult], seconds: float) -> None:
        self._write({"event": "tests", **summary_data(results, seconds)})

    def _write(self, data: dict[str, object]) -> None:
        click.echo(json_text({"event": data.pop("event"), "time": timestamp(self._clock.now()), **data}))


def _updated(result: TestResult, is_sure: bool) -> TestResult:
    """Drafts anew what has failed of a test. It has passed then, unless something is left that nobody can draft."""
    if result.is_passed or result.run is None or result.run.misfits:
        # What is played does not fit any more: only a new recording helps.
        return result
    before = result.path.read_text(encoding="utf-8")
    case = read_case(result.path)
    expected = export.redrafted(case.expected, result.run, result.failures)
    if expected == case.expected:
        return result
    after = case_text(replace(case, expected=expected))
    click.echo()
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), str(result.path), "drafted", lineterm=""):
        _print(Line(line, {"-": "bad", "+": "good"}.get(line[:1], "")))
    if not is_sure:
        ask(f"Rewrite {result.path}?")
    result.path.write_text(after, encoding="utf-8")
    click.echo(f"✓ Rewrote {result.path}")
    left = tuple(failure for failure in result.failures if failure.part in export.NOT_DRAFTED)
    return replace(result, attempts=(Attempt(result.seconds, left, result.run),))


def _last_failed_file() -> Path:
    home = Home.from_environment(os.environ)
    home.prepare()
    return home.data / "failed-tests.json"


def _last_failed(project: Path) -> list[str]:
    """Paths of the tests of the project that failed the last time."""
    return _all_failed(_last_failed_file()).get(str(project), [])


def _remember_failed(project: Path, failed: Sequence[TestResult]) -> None:
    path = _last_failed_file()
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
