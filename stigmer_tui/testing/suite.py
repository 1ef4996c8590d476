"""Runs tests at the same time, each in a folder of its own, on one instance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.testing.cases import TestCase, read_case
from stigmer_tui.testing.expectations import Evaluate, Failure, failures
from stigmer_tui.testing.instance import TestInstance, test_instance
from stigmer_tui.testing.records import RunRecord
from stigmer_tui.workflow.evaluator import Evaluator

AT_ONCE = 8
"""Runs at the same time."""


@dataclass(frozen=True, slots=True)
class TestResult:
    __test__ = False  # pytest collects by the name

    name: str
    path: Path
    seconds: float
    failures: tuple[Failure, ...] = ()
    run: RunRecord | None = None
    """None where there was none."""

    @property
    def is_passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class Selection:
    """The tests that are wanted: those that can be read, and the results of those that cannot."""

    cases: tuple[TestCase, ...]
    unreadable: tuple[TestResult, ...] = ()


def find_tests(named: Sequence[Path]) -> list[Path]:
    """The files that are named, and those of folders. Raises StigmerError for what is not there."""
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            found += sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml"))
        elif path.exists():
            found.append(path)
        else:
            raise StigmerError(f"There is no {path}", "Make a test of a run: stigmer-tui export ID-OR-NAME")
    return list(dict.fromkeys(found))


def select(paths: Sequence[Path], keyword: str = "", only: Sequence[str] | None = None) -> Selection:
    """Of the files, those whose name contains the keyword and is one of `only`."""
    cases, unreadable = [], []
    for path in paths:
        if keyword not in path.stem or (only is not None and str(path.resolve()) not in only):
            continue
        try:
            cases.append(read_case(path))
        except StigmerError as error:
            unreadable.append(TestResult(path.stem, path, 0.0, (Failure(error.message),)))
    return Selection(tuple(cases), tuple(unreadable))


async def run_tests(
    selection: Selection, project: Path, clock: Clock, took: Callable[[TestResult], None]
) -> list[TestResult]:
    """`took` gets each result when it is there. Raises StigmerError where the project cannot be deployed."""
    results = list(selection.unreadable)
    for result in results:
        took(result)
    if not selection.cases:
        return results
    evaluator, slots = Evaluator(), asyncio.Semaphore(AT_ONCE)

    async def evaluate(program: str, data: str) -> str:
        try:
            # The roots of an expression, of which a condition has one.
            return await evaluator.run(program, f'{{".": {data}}}')
        except ExpressionError as error:
            raise StigmerError(f"The condition cannot be computed: {error}") from error

    async def run(instance: TestInstance, case: TestCase) -> TestResult:
        async with slots:
            result = await _run(instance, case, clock, evaluate)
        took(result)
        return result

    try:
        async with test_instance(project, clock) as instance, asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(instance, case)) for case in selection.cases]
    finally:
        await evaluator.close()
    return [*results, *(task.result() for task in tasks)]


async def _run(instance: TestInstance, case: TestCase, clock: Clock, evaluate: Evaluate) -> TestResult:
    began = clock.monotonic()
    try:
        run = await instance.play(case)
        found = await failures(case.expected, run, instance.folders(run), evaluate)
    except StigmerError as error:
        failure = Failure(error.message, tuple(error.advice.splitlines()))
        return TestResult(case.name, case.path, clock.monotonic() - began, (failure,))
    return TestResult(case.name, case.path, clock.monotonic() - began, tuple(found), run)
