"""The tests of a project, as they are shown beside its runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from stigmer_tui.workbench.model import Resource, ResourceKey


class Outcome(StrEnum):
    NOT_RUN = "not run"
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProjectTest:
    """A file with a test, and how that went last."""

    path: str
    """Relative to the folder of the project."""
    name: str
    stamp: tuple[int, int] = (0, 0)
    """When the file was written, in nanoseconds, and its size; another one is another test."""
    outcome: Outcome = Outcome.NOT_RUN
    difference: tuple[str, ...] = ()
    """What is not as expected, in lines; with - what was expected, with + what is there instead."""
    execution_id: str = ""
    """Its last run, where it is kept: that of a test that has failed, or that is shown."""


@dataclass(frozen=True, slots=True)
class Tests:
    """All of a project, by their paths."""

    __test__ = False  # pytest collects by the name

    all: tuple[ProjectTest, ...] = ()

    def count(self, outcome: Outcome) -> int:
        return sum(test.outcome is outcome for test in self.all)

    @property
    def failed(self) -> tuple[ProjectTest, ...]:
        return tuple(test for test in self.all if test.outcome is Outcome.FAILED)

    def of_run(self, execution_id: str) -> ProjectTest | None:
        """The test whose last run this is."""
        return next((test for test in self.all if execution_id and test.execution_id == execution_id), None)

    def failed_after(self, path: str) -> ProjectTest | None:
        """The failed test after this one; the first one where that has not failed, None where none has."""
        failed = self.failed
        place = next((index for index, test in enumerate(failed) if test.path == path), -1)
        return failed[(place + 1) % len(failed)] if failed else None


NO_TESTS = Tests()


class Form(StrEnum):
    """What a run is exported as."""

    TEST = "test"
    SCRIPT = "script"
    JSON = "json"
    MARKDOWN = "markdown"


Took = Callable[[ProjectTest], Awaitable[None]]
"""Gets each test when it has ended."""


class Tester(Protocol):
    """What plays tests, and makes them of runs; its room is above this one."""

    def find(self) -> tuple[ProjectTest, ...]:
        """The files, as far as they look like tests. Raises StigmerError where Stigmer.yaml is wrong."""
        ...

    def subject(self, test: ProjectTest) -> ResourceKey | None:
        """What a test runs; None for a file that is no test. Reads it."""
        ...

    async def play(self, tests: Sequence[ProjectTest], resources: Sequence[Resource], took: Took) -> None:
        """Plays them on the daemon, where their runs are in no list."""
        ...

    async def keep_only(self, kept: Collection[str]) -> None:
        """Deletes all runs of tests but these, with all that they left behind."""
        ...

    async def export(self, execution_id: str, form: Form) -> str:
        """Writes a run into a new file; returns its path. Raises StigmerError."""
        ...
