"""What became of tests, each of which may have been run more than once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stigmer_tui.core.model_providers import SCRIPTED
from stigmer_tui.testing.expectations import Failure
from stigmer_tui.testing.pass_rate import PassRate
from stigmer_tui.testing.records import RunRecord


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a model says of a run, by the rubric of its test."""

    is_passed: bool
    words: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a test."""

    seconds: float
    failures: tuple[Failure, ...] = ()
    run: RunRecord | None = None
    """None where there was none."""
    verdict: Verdict | None = None
    """None where no model was asked for one."""


@dataclass(frozen=True, slots=True)
class TestResult:
    __test__ = False  # pytest collects by the name

    name: str
    path: Path
    attempts: tuple[Attempt, ...]
    min_pass: float = 1.0
    """The part of its runs that is to pass."""
    model: str = ""
    """The one that was asked; empty for that of the code, or of the recording."""

    @property
    def pass_rate(self) -> PassRate:
        return PassRate(sum(not attempt.failures for attempt in self.attempts), len(self.attempts))

    @property
    def is_passed(self) -> bool:
        return self.pass_rate.rate >= self.min_pass

    @property
    def passes_sometimes(self) -> bool:
        return 0 < self.pass_rate.passes < len(self.attempts)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Of the first run that has failed; empty where none has."""
        return next((attempt.failures for attempt in self.attempts if attempt.failures), ())

    @property
    def run(self) -> RunRecord | None:
        """That run, or else the last one."""
        failed = (attempt.run for attempt in self.attempts if attempt.failures)
        return next(failed, self.attempts[-1].run)

    @property
    def is_scripted(self) -> bool:
        """Whether no model was asked: the agents have scripts, and no provider is configured."""
        agents = [agent for attempt in self.attempts if attempt.run for agent in attempt.run.agents]
        return bool(agents) and all(agent.provider == SCRIPTED.name for agent in agents)

    @property
    def seconds(self) -> float:
        """A run takes so long, on average."""
        return sum(attempt.seconds for attempt in self.attempts) / len(self.attempts)

    @property
    def tokens(self) -> int:
        """Of all its runs."""
        return sum(attempt.run.tokens for attempt in self.attempts if attempt.run)

    @property
    def cost(self) -> float:
        """Of all its runs, in US dollars."""
        return sum(attempt.run.cost for attempt in self.attempts if attempt.run)


def refused(name: str, path: Path, failure: Failure, seconds: float = 0.0) -> TestResult:
    """Of a test that was not run."""
    return TestResult(name, path, (Attempt(seconds, (failure,)),))
