"""Runs tests at the same time, each in a folder of its own, on one instance."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.definition.lexer import ExpressionError
from stigmer_tui.testing.cases import TestCase, find_cases, read_case
from stigmer_tui.testing.expectations import Evaluate, Failure, Part, failures
from stigmer_tui.testing.instance import TestInstance, test_instance
from stigmer_tui.testing.live import ONCE_OFFLINE, HowToRun
from stigmer_tui.testing.records import RunRecord
from stigmer_tui.testing.results import Attempt, TestResult, Verdict, refused
from stigmer_tui.workflow.evaluator import Evaluator

AT_ONCE = 8
"""Runs at the same time."""
LIVE_AT_ONCE = 4
"""The same where models are asked, whose providers have limits."""


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
            found += find_cases(path)
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
            unreadable.append(refused(path.stem, path, failure_of(error)))
    return Selection(tuple(cases), tuple(unreadable))


async def run_tests(
    selection: Selection,
    project: Path,
    clock: Clock,
    took: Callable[[TestResult], None],
    how: HowToRun = ONCE_OFFLINE,
) -> list[TestResult]:
    """`took` gets each result when it is there. Raises StigmerError where the project cannot be deployed."""
    results = list(selection.unreadable)
    for result in results:
        took(result)
    if not selection.cases:
        return results
    slots = asyncio.Semaphore(LIVE_AT_ONCE if how.live else AT_ONCE)
    comparison = Comparison()

    async def attempt(instance: TestInstance, case: TestCase, model: str) -> Attempt:
        async with slots:
            return await _attempt(instance, case, model, clock, comparison.evaluate)

    async def run(instance: TestInstance, case: TestCase, model: str) -> TestResult:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(attempt(instance, case, model)) for _ in range(how.repeat)]
        result = TestResult(case.name, case.path, tuple(task.result() for task in tasks), how.min_pass, model)
        took(result)
        return result

    try:
        async with test_instance(project, clock, how.live) as instance, asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(instance, case, model)) for case in selection.cases for model in how.models]
    finally:
        await comparison.close()
    return [*results, *(task.result() for task in tasks)]


class Comparison:
    """Evaluates the conditions of tests, in processes of its own."""

    def __init__(self) -> None:
        self._evaluator = Evaluator()

    async def evaluate(self, program: str, data: str) -> str:
        """Raises StigmerError for a program that is wrong."""
        try:
            # The roots of an expression, of which a condition has one.
            return await self._evaluator.run(program, f'{{".": {data}}}')
        except ExpressionError as error:
            raise StigmerError(f"The condition cannot be computed: {error}") from error

    async def close(self) -> None:
        await self._evaluator.close()


async def _attempt(instance: TestInstance, case: TestCase, model: str, clock: Clock, evaluate: Evaluate) -> Attempt:
    began = clock.monotonic()
    run: RunRecord | None = None
    verdict: Verdict | None = None
    try:
        run = await instance.play(case, model)
        seconds = clock.monotonic() - began
        found = await failures(case.expected, run, instance.folders(run), evaluate)
        if case.expected.judge and instance.is_live:
            verdict = await instance.verdict(case.expected.judge, run)
    except StigmerError as error:
        return Attempt(clock.monotonic() - began, (failure_of(error),), run)
    if verdict is not None and not verdict.is_passed:
        found.append(Failure("judge", (f"- {case.expected.judge}", f"+ {verdict.words}"), Part.JUDGE))
    return Attempt(seconds, tuple(found), run, verdict)


def failure_of(error: StigmerError) -> Failure:
    return Failure(error.message, tuple(error.advice.splitlines()))
