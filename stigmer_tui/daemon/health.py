"""What the answers of a process to its probes say of it: whether it has started, hangs, and can work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum


@dataclass(frozen=True, slots=True)
class Schedule:
    interval: float
    """Seconds from one probe to the next."""
    limit: float
    """Seconds for the answer."""
    failures: int
    """In a row, that count."""
    successes: int = 1
    """In a row, that end the failure."""


class Probe(Enum):
    START_UP = Schedule(interval=1, limit=5, failures=30)
    """Until the process answers for the first time."""
    LIVENESS = Schedule(interval=10, limit=3, failures=3)
    """Whether it answers at all."""
    READINESS = Schedule(interval=5, limit=2, failures=3, successes=2)
    """Whether it can work."""


@dataclass(frozen=True, slots=True)
class Health:
    has_started: bool = False
    hangs: bool = False
    """It has to be killed and started again."""
    is_ready: bool = False
    reason: str = ""
    """Why it hangs, or cannot work; told at once, also while it still counts as ready."""
    unanswered: int = 0
    """Probes of its start or life in a row."""
    against: int = 0
    """Probes of its readiness in a row that speak against what `is_ready` says."""


def after(health: Health, probe: Probe, problem: str | None) -> Health:
    """`problem` is what keeps the process from its work by its own words, empty for nothing; None for no answer."""
    match probe:
        case Probe.READINESS:
            return _after_readiness(health, problem)
        case Probe.START_UP if problem is not None:
            return Health(has_started=True, is_ready=not problem, reason=problem)
        case _ if problem is not None:
            return replace(health, unanswered=0)
    unanswered = health.unanswered + 1
    if unanswered < probe.value.failures:
        return replace(health, unanswered=unanswered)
    if probe is Probe.START_UP:
        reason = f"did not report to the server in {unanswered * probe.value.interval:g} s"
    else:
        reason = f"did not answer {unanswered} times in a row"
    return replace(health, unanswered=unanswered, hangs=True, is_ready=False, reason=reason)


def _after_readiness(health: Health, problem: str | None) -> Health:
    schedule = Probe.READINESS.value
    is_well = problem == ""
    is_ready, against = health.is_ready, health.against + 1 if is_well != health.is_ready else 0
    if against >= (schedule.successes if is_well else schedule.failures):
        is_ready, against = is_well, 0
    match problem:
        case "":
            reason = "" if is_ready else health.reason
        case None:
            reason = health.reason or ("" if is_ready else "does not answer")
        case _:
            reason = problem
    return replace(health, is_ready=is_ready, against=against, reason=reason)
