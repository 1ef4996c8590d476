"""What a process is said to be after so many answers: the thresholds are those of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import pytest

from stigmer_tui.daemon.health import Health, Probe, Schedule, after

WELL, NO_ANSWER, FULL = "", None, "the disk is full"

STARTED = Health(has_started=True, is_ready=True)


def seen(health: Health, probe: Probe, *answers: str | None) -> Health:
    return reduce(lambda state, answer: after(state, probe, answer), answers, health)


def test_intervals_limits_and_thresholds() -> None:
    """Section 5.8 of the facts about existing daemons, where they stand as a target."""
    assert [probe.value for probe in Probe] == [
        Schedule(interval=1, limit=5, failures=30),
        Schedule(interval=10, limit=3, failures=3),
        Schedule(interval=5, limit=2, failures=3, successes=2),
    ]


def test_a_start_fails_after_thirty_probes() -> None:
    late = seen(Health(), Probe.START_UP, *[NO_ANSWER] * 29)
    assert (late.has_started, late.hangs) == (False, False)
    assert seen(late, Probe.START_UP, WELL) == STARTED
    failed = seen(late, Probe.START_UP, NO_ANSWER)
    assert (failed.hangs, failed.reason) == (True, "did not report to the server in 30 s")


def test_one_that_starts_and_cannot_work_is_not_ready() -> None:
    assert seen(Health(), Probe.START_UP, FULL) == Health(has_started=True, reason=FULL)


@pytest.mark.parametrize(
    ("answers", "hangs"),
    [
        ([NO_ANSWER, NO_ANSWER], False),
        ([NO_ANSWER, NO_ANSWER, WELL, NO_ANSWER, NO_ANSWER], False),
        ([NO_ANSWER, FULL, NO_ANSWER, NO_ANSWER], False),
        ([NO_ANSWER, NO_ANSWER, NO_ANSWER], True),
    ],
)
def test_a_process_hangs_that_did_not_answer_three_times_in_a_row(answers: Sequence[str | None], hangs: bool) -> None:
    health = seen(STARTED, Probe.LIVENESS, *answers)
    assert (health.hangs, health.is_ready) == (hangs, not hangs)
    assert health.reason == ("did not answer 3 times in a row" if hangs else "")


@pytest.mark.parametrize(
    ("answers", "is_ready", "reason"),
    [
        ([FULL], True, FULL),
        ([FULL, WELL], True, ""),
        ([NO_ANSWER, NO_ANSWER], True, ""),
        ([FULL, FULL, WELL, FULL, FULL], True, FULL),
        ([FULL, FULL, FULL], False, FULL),
        ([NO_ANSWER, NO_ANSWER, NO_ANSWER], False, "does not answer"),
        ([FULL, FULL, FULL, WELL], False, FULL),
        ([FULL, FULL, FULL, WELL, FULL, WELL], False, FULL),
        ([FULL, FULL, FULL, WELL, WELL], True, ""),
        ([NO_ANSWER, NO_ANSWER, NO_ANSWER, WELL, WELL, FULL], True, FULL),
    ],
)
def test_three_answers_end_readiness_and_two_bring_it_back(
    answers: Sequence[str | None], is_ready: bool, reason: str
) -> None:
    health = seen(STARTED, Probe.READINESS, *answers)
    assert (health.is_ready, health.reason, health.hangs) == (is_ready, reason, False)
