"""A plugin of pytest that finds the tests of a project: `pytest -p stigmer_tui.pytest`.

They are YAML files in a project's folder of tests: `tests`, unless `Stigmer.yaml` says otherwise. Those that pytest has
chosen are played together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.project.project_file import find_project, tests_folder
from stigmer_tui.testing.cases import looks_like_case
from stigmer_tui.testing.report import failure_lines
from stigmer_tui.testing.results import TestResult
from stigmer_tui.testing.suite import run_tests, select

_results = pytest.StashKey[dict[Path, TestResult]]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ProjectTestFile | None:
    """A file with a test, which says what it runs."""
    if (project := _project_of(file_path)) is None or not looks_like_case(file_path):
        return None
    found: ProjectTestFile = ProjectTestFile.from_parent(parent, path=file_path)
    found.project = project
    return found


def _project_of(path: Path) -> Path | None:
    """Where the file is in its folder of tests."""
    project = find_project(path.parent)
    return project if project and tests_folder(project).resolve() in path.parents else None


class ProjectTestFile(pytest.File):
    """A file of a project with one test in it."""

    project: Path

    def collect(self) -> Iterator[ProjectTest]:
        item: ProjectTest = ProjectTest.from_parent(self, name=self.path.stem)
        item.project = self.project
        yield item


class ProjectTest(pytest.Item):
    """A recorded run that is played again."""

    project: Path

    def runtest(self) -> None:
        """Raises UnexpectedError where the run is not as expected, and StigmerError where the project has a fault."""
        results = self.session.stash.setdefault(_results, {})
        if self.path not in results:
            chosen = [item for item in self.session.items if isinstance(item, ProjectTest)]
            paths = [item.path for item in chosen if item.project == self.project]
            played = asyncio.run(run_tests(select(paths), self.project, SystemClock(), lambda result: None))
            results |= {result.path: result for result in played}
        if not results[self.path].is_passed:
            raise UnexpectedError(results[self.path])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """What is not as expected, without our traceback."""
        if isinstance(excinfo.value, UnexpectedError):
            return "\n".join(line.text for line in failure_lines(excinfo.value.result))
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


class UnexpectedError(Exception):
    """A run was not as expected."""

    def __init__(self, result: TestResult) -> None:
        super().__init__(result.failures[0].what)
        self.result = result
