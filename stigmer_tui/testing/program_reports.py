"""Results of tests as JSON, and as JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from stigmer_tui.testing.results import TestResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def result_data(result: TestResult) -> dict[str, Any]:
    """A result with all that was not as expected, and with what the judge said of each run."""
    rate = result.pass_rate
    return {
        "name": result.name,
        "path": str(result.path),
        "model": result.model,
        "scripted": result.is_scripted,
        "passed": result.is_passed,
        "passes": rate.passes,
        "runs": rate.runs,
        "interval": [round(bound, 4) for bound in rate.interval],
        "seconds": round(result.seconds, 3),
        "tokens": result.tokens,
        "cost": result.cost,
        "attempts": [
            {
                "execution_id": attempt.run.id if attempt.run else "",
                "failures": [
                    {"what": failure.what, "difference": list(failure.difference)} for failure in attempt.failures
                ],
                "judge": attempt.verdict and {"passes": attempt.verdict.is_passed, "words": attempt.verdict.words},
            }
            for attempt in result.attempts
        ],
    }


def summary_data(results: Sequence[TestResult], seconds: float) -> dict[str, Any]:
    failed = sum(not result.is_passed for result in results)
    return {"tests": len(results), "passed": len(results) - failed, "failed": failed, "seconds": round(seconds, 3)}


def junit(results: Sequence[TestResult], seconds: float) -> str:
    """The XML that CI servers read."""
    failed = sum(not result.is_passed for result in results)
    counts = f'tests="{len(results)}" failures="{failed}" time="{seconds:.3f}"'
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f'<testsuite name="stigmer-tui" {counts}>']
    for result in results:
        label = f"{result.name} [{result.model}]" if result.model else result.name
        name = f"name={_attribute(label)} classname={_attribute(str(result.path))}"
        lines.append(f'<testcase {name} time="{result.seconds:.3f}">')
        if not result.is_passed:
            details = "\n".join(line for failure in result.failures for line in (failure.what, *failure.difference))
            lines.append(f"<failure message={_attribute(_headline(result))}>{_content(details)}</failure>")
        if told := "\n".join(_told(result)):
            lines.append(f"<system-out>{_content(told)}</system-out>")
        lines.append("</testcase>")
    return "\n".join([*lines, "</testsuite>"]) + "\n"


def _headline(result: TestResult) -> str:
    rate = f"{result.pass_rate}: " if len(result.attempts) > 1 else ""
    return f"{rate}{result.failures[0].what}"


def _told(result: TestResult) -> list[str]:
    rate = [f"passed {result.pass_rate}"] if len(result.attempts) > 1 else []
    verdicts = [attempt.verdict for attempt in result.attempts if attempt.verdict is not None]
    return rate + [f"judge: {'passes' if verdict.is_passed else 'fails'}: {verdict.words}" for verdict in verdicts]


def _content(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("", text))
