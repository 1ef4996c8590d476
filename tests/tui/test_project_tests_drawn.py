"""The tests of a project: what the sidebar says of them, and what stands above the run of one."""

from __future__ import annotations

from dataclasses import replace

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.styled_rows import Row, StyleRole, text_of
from stigmer_tui.tui.render.tests import counts, difference_rows, failed_test_text, test_rows
from stigmer_tui.workbench.project_tests import Outcome, ProjectTest, Tests


def lines(rows: list[Row]) -> list[str]:
    return [text_of(row.spans).rstrip() for row in rows]


def several(outcome: Outcome, count: int) -> list[ProjectTest]:
    return [ProjectTest(f"tests/{outcome.name}-{n}.yaml", f"{outcome.name}-{n}", outcome=outcome) for n in range(count)]


def test_the_sidebar_counts_and_names_what_fails() -> None:
    tests = Tests((*several(Outcome.PASSED, 12), *several(Outcome.FAILED, 1)))
    assert lines(list(test_rows(tests, 24, UNICODE))) == ["Tests           12 ✓ 1 ✗", "  ✗ FAILED-0"]
    assert failed_test_text(tests) == "1 test fails"
    many = Tests(tuple(several(Outcome.FAILED, 6)))
    assert lines(list(test_rows(many, 24, UNICODE)))[-1] == "  and 2 more"
    assert failed_test_text(many) == "6 tests fail"


def test_there_is_nothing_to_say_before_one_has_run() -> None:
    assert text_of(counts(Tests(tuple(several(Outcome.NOT_RUN, 3))), UNICODE)) == "3 not run"
    assert list(test_rows(Tests(), 24, UNICODE)) == []
    assert failed_test_text(Tests()) == ""


FAILED = ProjectTest(
    "tests/host.yaml", "host", outcome=Outcome.FAILED, difference=("text equals", "- a long line", "+ b")
)


def test_above_the_run_of_a_test_stands_what_is_not_as_expected() -> None:
    rows = difference_rows(FAILED, 12, UNICODE)
    assert lines(rows)[2:-1] == ["text equals", "  - a long", "    line", "  + b"]
    assert [row.spans[-1][1] for row in rows[3:6]] == [StyleRole.FAILED, StyleRole.FAILED, StyleRole.COMPLETED]
    wide = lines(difference_rows(FAILED, 60, UNICODE))
    assert wide[1] == "✗ Test host is not as expected               tests/host.yaml"


def test_one_that_passes_says_so_and_a_long_difference_ends_with_where_the_rest_is() -> None:
    passed = replace(FAILED, outcome=Outcome.PASSED, difference=())
    assert [line.split("  ")[0] for line in lines(difference_rows(passed, 60, UNICODE))[1:-1]] == ["✓ Test host passes"]
    long = replace(FAILED, difference=tuple(f"- {number}" for number in range(100)))
    assert lines(difference_rows(long, 60, UNICODE))[-2] == "… the rest: stigmer-tui test tests/host.yaml"
