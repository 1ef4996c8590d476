"""How often tests pass, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stigmer_tui.testing.expectations import Failure
from stigmer_tui.testing.pass_rate import PassRate
from stigmer_tui.testing.program_reports import junit, result_data
from stigmer_tui.testing.report import Line, failure_lines, model_table, result_lines, summary
from stigmer_tui.testing.results import Attempt, TestResult, Verdict
from tests.testing.records import CLERK, record

PASSED = Attempt(1.0, (), record(cost=0.01), Verdict(True, "It is kind."))
FAILED = Attempt(2.0, (Failure("text contains", ("- Assam", "+ Nope")),), record(text="Nope", cost=0.02))


def result(*attempts: Attempt, name: str = "clerk", model: str = "", min_pass: float = 1.0) -> TestResult:
    return TestResult(name, Path(f"tests/{name}.yaml"), attempts, min_pass, model)


SOMETIMES = result(*[PASSED] * 7, *[FAILED] * 3)


@pytest.mark.parametrize(
    ("passes", "runs", "low", "high"),
    # As tables of Wilson's interval have them.
    [(7, 10, 0.397, 0.892), (10, 10, 0.722, 1.0), (0, 10, 0.0, 0.278), (1, 2, 0.095, 0.905)],
)
def test_the_interval_is_that_of_wilson(passes: int, runs: int, low: float, high: float) -> None:
    assert PassRate(passes, runs).interval == pytest.approx((low, high), abs=0.001)


def test_a_test_that_passes_sometimes_is_neither_good_nor_bad() -> None:
    line = next(iter(result_lines(SOMETIMES)))
    assert line == Line("~ clerk  7/10 (40–89 %)  1.3 s", "uncertain")
    assert summary([SOMETIMES], 3.0) == Line("1 test: 0 passed, 1 too seldom in 3.0 s", "uncertain")
    assert summary([SOMETIMES, result(FAILED)], 3.0).style == "bad"
    assert [each.text for each in failure_lines(SOMETIMES)][:2] == [
        "~ clerk  tests/clerk.yaml",
        "  in 3 of 10: text contains",
    ]


def test_how_often_it_must_pass_is_said_by_the_person() -> None:
    assert not SOMETIMES.is_passed
    often = TestResult("clerk", SOMETIMES.path, SOMETIMES.attempts, min_pass=0.7)
    assert often.is_passed
    assert summary([often], 3.0) == Line("1 test: 1 passed in 3.0 s", "good")


def test_what_it_took_and_what_the_judge_said_stand_below_a_live_test() -> None:
    assert [line.text for line in result_lines(result(PASSED), is_live=True)] == [
        "✓ clerk  1.0 s  40 tokens  $0.0100",
        "    judge: ✓ It is kind.",
    ]


def test_models_are_compared_in_a_table() -> None:
    results = [
        result(PASSED, PASSED, model="a"),
        result(PASSED, FAILED, model="b"),
        result(FAILED, name="order", model="a"),
    ]
    assert [line.text for line in model_table(results)] == [
        "        a                                   b",
        "clerk   ✓ 2/2  1.0 s   80 tokens  $0.0200   ~ 1/2  1.5 s  80 tokens  $0.0300",
        "order   ✗ 0/1  2.0 s   40 tokens  $0.0200   –",
        "all     ~ 2/3  1.3 s  120 tokens  $0.0400   ~ 1/2  1.5 s  80 tokens  $0.0300",
    ]


def test_programs_get_the_rate_and_the_words_of_the_judge() -> None:
    data = result_data(SOMETIMES)
    assert (data["passes"], data["runs"], data["passed"]) == (7, 10, False)
    assert data["interval"] == pytest.approx([0.397, 0.892], abs=0.001)
    assert data["attempts"][0]["judge"] == {"passes": True, "words": "It is kind."}
    assert data["attempts"][9]["failures"] == [{"what": "text contains", "difference": ["- Assam", "+ Nope"]}]
    (case,) = ElementTree.fromstring(junit([SOMETIMES], 3.0))
    failure, told = case
    assert failure.get("message") == "7/10 (40–89 %): text contains"
    assert "judge: passes: It is kind." in (told.text or "")


def test_scripts_are_not_taken_for_a_model() -> None:
    played = replace(CLERK, provider="scripted", model="scripted")
    scripted = result(Attempt(1.0, (), record(agents=[played])), model="gpt")
    assert [line.text for line in result_lines(scripted, is_live=True)] == ["✓ clerk  [gpt]  1.0 s  scripts, no model"]
    assert [line.text for line in model_table([scripted])][1] == "clerk   ✓ 1/1  1.0 s  scripts, no model"
    assert result_data(scripted)["scripted"]


def test_what_fails_twice_in_a_run_is_counted_once() -> None:
    twice = (Failure("text contains", ("- a",)), Failure("text contains", ("- b",)))
    lines = [line.text for line in failure_lines(result(Attempt(1.0, twice, record()), PASSED))]
    assert lines[1:] == ["  in 1 of 2: text contains", "    - a", "  in 1 of 2: text contains", "    - b"]


def test_why_the_run_failed_is_not_said_twice() -> None:
    misfit = Failure("The recording does not fit the code: x", ("- a",))
    error = "/ask failed: the agent clerk failed: The recording does not fit the code: x\n- a"
    assert len(list(failure_lines(result(Attempt(1.0, (misfit,), record(error=error)))))) == 3
