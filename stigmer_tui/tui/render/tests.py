"""The tests of a project: a line of the sidebar, and what stands above the run of one that has failed."""

from __future__ import annotations

from collections.abc import Iterator

from stigmer_tui.core.units import plural
from stigmer_tui.tui.render.cells import one_line, wrap
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted
from stigmer_tui.tui.render.styled_rows import Row, Spans, StyleRole
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.project_tests import Outcome, ProjectTest, Tests

MAX_NAMED = 4
"""Failed tests that the sidebar names; `enter` goes through all of them."""

MAX_DIFFERENCE_ROWS = 14
"""The run itself stays in sight below."""

LOOKS = {
    Outcome.PASSED: (RunState.COMPLETED, StyleRole.COMPLETED),
    Outcome.FAILED: (RunState.FAILED, StyleRole.FAILED),
    Outcome.RUNNING: (RunState.RUNNING, StyleRole.RUNNING),
}


def counts(tests: Tests, glyphs: Glyphs) -> Spans:
    """`12 ✓ 1 ✗`; `3 not run` where none was run yet."""
    found = [(tests.count(outcome), *look) for outcome, look in LOOKS.items()]
    shown: list[Spans] = [((f"{count} {glyphs.states[sign]}", role),) for count, sign, role in found if count]
    return joined(shown, " ") if shown else muted(f"{len(tests.all)} not run")


def test_rows(tests: Tests, width: int, glyphs: Glyphs) -> Iterator[Row]:
    """Of the sidebar; none where there are no tests."""
    if not tests.all:
        return
    yield justified((("Tests", StyleRole.STRONG),), counts(tests, glyphs), width, glyphs.ellipsis)
    for test in tests.failed[:MAX_NAMED]:
        sign = ((f"  {glyphs.states[RunState.FAILED]} ", StyleRole.FAILED),)
        yield justified((*sign, (one_line(test.name), StyleRole.TEXT)), (), width, glyphs.ellipsis)
    if (more := len(tests.failed) - MAX_NAMED) > 0:
        yield Row(muted(f"  and {more} more"))


test_rows.__test__ = False  # type: ignore[attr-defined]


def failed_test_text(tests: Tests) -> str:
    """`1 test fails`, for where there is no sidebar; empty where none does."""
    failed = len(tests.failed)
    return f"{plural(failed, 'test')} {'fails' if failed == 1 else 'fail'}" if failed else ""


def difference_rows(test: ProjectTest, width: int, glyphs: Glyphs) -> list[Row]:
    """Above the run of a test: its name, and what is not as expected."""
    state, role = LOOKS.get(test.outcome, LOOKS[Outcome.RUNNING])
    rule = Row(((glyphs.rule * width, role),))
    word = "passes" if test.outcome is Outcome.PASSED else "is not as expected"
    heading = ((f"{glyphs.states[state]} ", role), (f"Test {one_line(test.name)} {word}", role | StyleRole.STRONG))
    rows = [rule, justified(heading, muted(test.path), width, glyphs.ellipsis)]
    lines = [row for line in test.difference for row in _line_rows(line, width)]
    rows += lines[:MAX_DIFFERENCE_ROWS]
    if len(lines) > MAX_DIFFERENCE_ROWS:
        rows.append(Row(muted(f"{glyphs.ellipsis} the rest: stigmer-tui test {test.path}")))
    return [*rows, rule]


def _line_rows(line: str, width: int) -> Iterator[Row]:
    role = {"-": StyleRole.FAILED, "+": StyleRole.COMPLETED}.get(line[:1], StyleRole.TEXT)
    indent = "" if role is StyleRole.TEXT else "  "
    for number, spans in enumerate(wrap(((line, role),), width - 2 * len(indent))):
        yield Row(((indent if number == 0 else 2 * indent, StyleRole.TEXT), *spans))
