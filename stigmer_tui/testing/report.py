"""Results of tests as lines for people, and as JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from stigmer_tui.core.units import plural
from stigmer_tui.testing.suite import TestResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Line(NamedTuple):
    text: str
    style: str = ""
    """good, bad or bold; empty for none."""


def result_line(result: TestResult) -> Line:
    sign, style = ("✓", "good") if result.is_passed else ("✗", "bad")
    return Line(f"{sign} {result.name}  {result.seconds:.1f} s", style)


def failure_lines(result: TestResult) -> Iterator[Line]:
    """Each thing that is not as expected, with its difference."""
    yield Line(f"✗ {result.name}  {result.path}", "bold")
    for failure in result.failures:
        yield Line(f"  {failure.what}")
        for line in failure.difference:
            yield Line(f"    {line}", {"-": "bad", "+": "good"}.get(line[:1], ""))
    error = result.run.error.splitlines()[:1] if result.run is not None else []
    told = [text for failure in result.failures for text in (failure.what, *failure.difference)]
    if error and not any(error[0] in text for text in told):
        yield Line(f"  the run failed: {error[0]}")


def summary(results: Sequence[TestResult], seconds: float) -> Line:
    failed = sum(not result.is_passed for result in results)
    counts = f"{len(results) - failed} passed{f', {failed} failed' if failed else ''}"
    return Line(f"{plural(len(results), 'test')}: {counts} in {seconds:.1f} s", "bad" if failed else "good")


def junit(results: Sequence[TestResult], seconds: float) -> str:
    """The XML that CI servers read."""
    failed = sum(not result.is_passed for result in results)
    counts = f'tests="{len(results)}" failures="{failed}" time="{seconds:.3f}"'
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<testsuite name="stigmer-tui" {counts}>']
    for result in results:
        name = f"name={_attribute(result.name)} classname={_attribute(str(result.path))}"
        lines.append(f'<testcase {name} time="{result.seconds:.3f}">')
        if not result.is_passed:
            details = "\n".join(line for failure in result.failures for line in (failure.what, *failure.difference))
            message = _attribute(result.failures[0].what)
            lines.append(f"<failure message={message}>{escape(_NOT_XML.sub('', details))}</failure>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>"]) + "\n"


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))
