"""The comparison of two runs as lines: figures in a table, steps in two columns, texts as differences."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, set_cell_size

from stigmer_tui.core.units import count_text, duration_text, plural
from stigmer_tui.workbench.differences import DifferenceLine, LineKind
from stigmer_tui.workbench.model import run_label
from stigmer_tui.workbench.run_comparison import Comparison, Step, StepPair
from stigmer_tui.workbench.run_figures import RunFigures

INDENT = 2
NAME_WIDTH = 18
"""Of a step; a longer name takes room from what it is about."""


def comparison_lines(comparison: Comparison, width: int) -> Iterator[DifferenceLine]:
    yield DifferenceLine(LineKind.TITLE, summary_of(comparison))
    yield _title("")
    yield from _figure_lines(comparison)
    yield _title("")
    yield from _step_lines(comparison, width)
    for difference in comparison.differences:
        yield _title("")
        yield _title(difference.title)
        yield from difference.lines


def summary_of(comparison: Comparison) -> str:
    """`3 of 9 steps differ · answer differs · 1.4 s slower · 310 tokens fewer`."""
    count, all_steps = comparison.different_steps, len(comparison.steps)
    parts = [f"{count} of {plural(all_steps, 'step')} differ{'s' * (count == 1)}" if count else "The same steps"]
    parts += [f"{text.title.lower()} differs" for text in comparison.differences if text.title in ("Answer", "Message")]
    first, second = comparison.figures
    parts += filter(None, (_slower(first, second), _tokens(first, second)))
    return " · ".join(parts)


def _slower(first: RunFigures, second: RunFigures) -> str:
    if first.seconds is None or second.seconds is None or first.seconds == second.seconds:
        return ""
    word = "slower" if second.seconds > first.seconds else "faster"
    return f"{duration_text(abs(second.seconds - first.seconds))} {word}"


def _tokens(first: RunFigures, second: RunFigures) -> str:
    counts = [(run.input_tokens or 0) + (run.output_tokens or 0) for run in (first, second)]
    if not all(counts) or counts[0] == counts[1]:
        return ""
    return f"{count_text(abs(counts[1] - counts[0]))} tokens {'more' if counts[1] > counts[0] else 'fewer'}"


def _figure_lines(comparison: Comparison) -> Iterator[DifferenceLine]:
    runs = (comparison.first, comparison.second)
    heads, ids = (
        ["run", *(run_label(run.kind, run.resource, run.message) for run in runs), ""],
        ["", *(execution.id for execution in runs), ""],
    )
    rows = [heads, ids, *(list(row) for row in comparison.rows)]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(heads))]
    for row in rows:
        yield DifferenceLine(LineKind.CONTEXT, "  ".join(map(set_cell_size, row, widths)).rstrip())


def _step_lines(comparison: Comparison, width: int) -> Iterator[DifferenceLine]:
    yield _title("Steps")
    # A sign before, and a bar between the columns.
    column = max(20, (width - 5) // 2)
    for pair in comparison.steps:
        yield DifferenceLine(_kind(pair), f"{_cell(pair.first, column)} │ {_cell(pair.second, column)}".rstrip())
    if comparison.left_out:
        yield _title(f"… and {plural(comparison.left_out, 'step')} that were not compared")


def _kind(pair: StepPair) -> LineKind:
    if pair.first is None:
        return LineKind.ADDED
    if pair.second is None:
        return LineKind.REMOVED
    return LineKind.CONTEXT if pair.is_same else LineKind.CHANGED


def _cell(step: Step | None, width: int) -> str:
    if step is None:
        return " " * width
    name = f"{' ' * INDENT * step.depth}{step.name}"
    took = duration_text(step.seconds) if step.seconds is not None else ""
    left = f"{name.ljust(NAME_WIDTH)} {step.about}" if step.about else name
    room = width - len(took) - 1
    if cell_len(left) > room:
        left = f"{set_cell_size(left, room - 1)}…"
    return f"{set_cell_size(left, room)} {took}"


def _title(text: str) -> DifferenceLine:
    return DifferenceLine(LineKind.TITLE, text)
