"""Results of tests as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stigmer_tui.core.units import count_text, duration_text, plural
from stigmer_tui.testing.expectations import Failure
from stigmer_tui.testing.results import TestResult
from stigmer_tui.workbench.usage import cost_text

SIGNS = {"good": "✓", "bad": "✗", "uncertain": "~"}

NO_MODEL = "scripts, no model"
"""Where no provider is configured, and agents play their scripts."""


class Line(NamedTuple):
    text: str
    style: str = ""
    """good, bad, uncertain or bold; empty for none."""


def style_of(result: TestResult) -> str:
    if result.passes_sometimes:
        return "uncertain"
    return "good" if result.is_passed else "bad"


def result_lines(result: TestResult, is_live: bool = False) -> Iterator[Line]:
    """How a test went; `is_live`: what it took, and what the judge said."""
    style = style_of(result)
    parts = [f"{SIGNS[style]} {result.name}", f"[{result.model}]" if result.model else ""]
    parts.append(str(result.pass_rate) if len(result.attempts) > 1 else "")
    parts.append(f"{result.seconds:.1f} s")
    parts += spent_words(result) if is_live else []
    yield Line("  ".join(filter(None, parts)), style)
    for number, attempt in enumerate(result.attempts, 1):
        if attempt.verdict is not None:
            of_many = f" {number}" if len(result.attempts) > 1 else ""
            sign = SIGNS["good" if attempt.verdict.is_passed else "bad"]
            yield Line(f"    judge{of_many}: {sign} {attempt.verdict.words}")


def spent_words(result: TestResult) -> list[str]:
    """`1.2 k tokens`, `$0.0123`; nothing where nothing is known."""
    if result.is_scripted:
        return [NO_MODEL]
    tokens = f"{count_text(result.tokens)} tokens" if result.tokens else ""
    return [tokens, cost_text(result.cost) if result.cost else ""]


def failure_lines(result: TestResult) -> Iterator[Line]:
    """Each thing that is not as expected, with its difference."""
    of_model = f"  [{result.model}]" if result.model else ""
    yield Line(f"{SIGNS[style_of(result)]} {result.name}{of_model}  {result.path}", "bold")
    for failure, count in _counted(result):
        of_many = f"in {count} of {len(result.attempts)}: " if len(result.attempts) > 1 else ""
        yield Line(f"  {of_many}{failure.what}")
        for line in failure.difference:
            yield Line(f"    {line}", {"-": "bad", "+": "good"}.get(line[:1], ""))
    error = result.run.error.splitlines()[:1] if result.run is not None else []
    told = [text for failure in result.failures for text in (failure.what, *failure.difference)]
    if error and not any(error[0] in text or text in error[0] for text in told):
        yield Line(f"  the run failed: {error[0]}")


def _counted(result: TestResult) -> Iterator[tuple[Failure, int]]:
    """What failed, as in the first run in which it did, and in how many it did."""
    failing = [attempt.failures for attempt in result.attempts if attempt.failures]
    for what in dict.fromkeys(failure.what for failures in failing for failure in failures):
        alike = [[failure for failure in failures if failure.what == what] for failures in failing]
        found = list(filter(None, alike))
        for failure in found[0]:
            yield failure, len(found)


def summary(results: Sequence[TestResult], seconds: float) -> Line:
    failed = [result for result in results if not result.is_passed]
    sometimes = sum(result.passes_sometimes for result in failed)
    counts = [f"{len(results) - len(failed)} passed"]
    if sometimes:
        counts.append(f"{sometimes} too seldom")
    if len(failed) > sometimes:
        counts.append(f"{len(failed) - sometimes} failed")
    style = "bad" if len(failed) > sometimes else "uncertain" if failed else "good"
    return Line(f"{plural(len(results), 'test')}: {', '.join(counts)} in {seconds:.1f} s", style)


def model_table(results: Sequence[TestResult]) -> Iterator[Line]:
    """Tests and models, each with its pass rate, time, tokens and cost; the sums below."""
    models = list(dict.fromkeys(result.model for result in results))
    names = list(dict.fromkeys(result.name for result in results))
    columns = [["", *names, *(["all"] if len(names) > 1 else [])]]
    for model in models:
        of_model = [result for result in results if result.model == model]
        cells = [_cell([each for each in of_model if each.name == name]) for name in names]
        columns.append([model, *_aligned([*cells, _cell(of_model)][: len(columns[0]) - 1])])
    widths = [max(map(len, column)) for column in columns]
    for row in zip(*columns, strict=True):
        yield Line("   ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _cell(results: Sequence[TestResult]) -> tuple[str, ...]:
    if not results:
        return ("–", "", "", "")
    passes, runs = sum(each.pass_rate.passes for each in results), sum(len(each.attempts) for each in results)
    sign = SIGNS["good" if passes == runs else "uncertain" if passes else "bad"]
    tokens, cost = sum(each.tokens for each in results), sum(each.cost for each in results)
    seconds = sum(each.seconds * len(each.attempts) for each in results) / runs
    spent = NO_MODEL if all(each.is_scripted for each in results) else f"{count_text(tokens)} tokens" if tokens else ""
    return (
        f"{sign} {passes}/{runs}",
        duration_text(seconds),
        spent,
        cost_text(cost) if cost else "",
    )


def _aligned(cells: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Numbers stand below each other."""
    widths = [max(map(len, parts)) for parts in zip(*cells, strict=True)]
    for sign, *numbers in cells:
        right = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
        yield "  ".join([sign.ljust(widths[0]), *right]).rstrip()
