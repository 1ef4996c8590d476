"""What stands above the entries: the name of the run, why there is one, and what is wrong with the code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from stigmer_tui.core.ids import shorten_id
from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.tui.render.cells import wrap
from stigmer_tui.tui.render.clean import clean_lines, one_line
from stigmer_tui.tui.render.glyphs import STATE_INKS, Glyphs
from stigmer_tui.tui.render.ink import EMPTY_ROW, Ink, Row, Spans
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.workbench.model import Execution, ResourceKind, State
from stigmer_tui.workbench.state import Problem, ShownRun

LONGEST_PROBLEM = 12
"""Rows for what a tool says; the last good run stays in sight below."""

TASK_ENDS = (State.COMPLETED, State.FAILED, State.CANCELLED, State.SKIPPED)


def title_rows(shown: ShownRun, width: int, glyphs: Glyphs, now: datetime) -> list[Row]:
    execution = shown.execution
    state = execution.state
    ink = STATE_INKS[state]
    right = ((f"{glyphs.states[state]} {_progress(execution, now)}", ink),)
    first = justified(((one_line(shown.resource.name), Ink.STRONG),), right, width, glyphs.ellipsis)
    about = _summary(execution) if state.is_final else _message(execution)
    second = justified(joined([*_reason(shown), about]), muted(shorten_id(execution.id)), width, glyphs.ellipsis)
    return [first, second]


def problem_rows(problem: Problem, width: int, glyphs: Glyphs) -> list[Row]:
    """File and line first, in the tool's own words, under a red rule."""
    rows = [Row(((glyphs.rule * width, Ink.FAILED),))]
    head: list[Spans] = [((problem.where, Ink.FAILED | Ink.STRONG),), plain(one_line(problem.message))]
    rows += [Row(spans) for spans in wrap(joined(head, " "), width)]
    output = clean_lines(problem.output)
    shown = output[-LONGEST_PROBLEM:]
    if len(shown) < len(output):
        rows.append(Row(muted(glyphs.ellipsis)))
    rows += [Row(spans) for line in shown for spans in wrap(muted(line), width)][:LONGEST_PROBLEM]
    rows.append(Row(muted("The last good run stays below; save again to retry")))
    rows.append(Row(((glyphs.rule * width, Ink.FAILED),)))
    return rows


def started_text(execution: Execution, now: datetime) -> str:
    """How long it has been running, or ran."""
    if execution.started_at is None:
        return ""
    end = execution.completed_at or now
    return duration_text(max(0.0, (end - execution.started_at).total_seconds()))


def _progress(execution: Execution, now: datetime) -> str:
    elapsed = started_text(execution, now)
    if execution.state is State.PENDING:
        return "waiting for a runner"
    return f"{execution.state} {elapsed}".rstrip()


def _reason(shown: ShownRun) -> list[Spans]:
    """It stays when the run has ended: many end before anybody could read it."""
    number = muted(f"run {shown.number}") if shown.number else ()
    return [number, muted(one_line(shown.why))]


def _message(execution: Execution) -> Spans:
    message = one_line(execution.message)
    return muted(f"message “{message}”") if message else ()


def _summary(execution: Execution) -> Spans:
    if execution.state is State.FAILED:
        return ((one_line(execution.error) or "failed", Ink.FAILED),)
    if execution.state is State.CANCELLED:
        return muted(one_line(execution.error) or "cancelled")
    if execution.kind is ResourceKind.AGENT:
        counts = [plural(len(execution.messages), "message"), plural(len(execution.calls), "tool call")]
    else:
        counts = _task_counts([task.state for task in execution.tasks.values()])
    return joined([muted(count) for count in counts])


def _task_counts(states: list[State]) -> list[str]:
    """`12 tasks completed`, or `11 completed · 1 skipped`: what is named adds up to all that there is."""
    done = states.count(State.COMPLETED)
    if done == len(states):
        return [f"{plural(done, 'task')} completed"]
    counts = [f"{states.count(state)} {state}" for state in TASK_ENDS if state in states]
    rest = sum(state not in TASK_ENDS for state in states)
    return [*counts, f"{rest} not reached"] if rest else counts


def welcome_rows(has_project: bool, resources: int, recent: tuple[str, ...], width: int) -> list[Row]:
    """Where no run is shown yet: what will be here, and how to get it there."""
    return [row for text, ink in _welcome(has_project, resources, recent) for row in _paragraph(text, ink, width)]


def _welcome(has_project: bool, resources: int, recent: tuple[str, ...]) -> Iterator[tuple[str, Ink]]:
    if resources:
        yield "Select an agent or a workflow and press enter to run it.", Ink.TEXT
        yield "What it says and does appears here as it happens.", Ink.MUTED
        if has_project:
            yield "Save a file of the project, and it runs again with the new code.", Ink.MUTED
    elif has_project:
        yield "The project's code is being run; what it defines will be in the list.", Ink.TEXT
    if not has_project:
        yield "", Ink.TEXT
        yield "There is no project in this folder.", Ink.TEXT
        yield "Make one:  stigmer-tui new NAME", Ink.MUTED
        yield "Open one:  stigmer-tui PATH", Ink.MUTED
        if recent:
            yield "", Ink.TEXT
            yield "Lately used", Ink.MUTED
            for folder in recent:
                yield f"  {folder}", Ink.TEXT


def daemon_problem_rows(problem: str, last_lines: tuple[str, ...], width: int) -> list[Row]:
    """A daemon that does not come up: what failed, the last log lines, the keys to retry."""
    rows = [Row((("The daemon does not run", Ink.FAILED | Ink.STRONG),)), EMPTY_ROW]
    for line in clean_lines(problem):
        rows.extend(_paragraph(line, Ink.TEXT, width))
    if last_lines:
        rows += [EMPTY_ROW, Row(muted("Last lines of its log"))]
        for line in last_lines:
            rows.extend(_paragraph(line, Ink.MUTED, width))
    rows += [EMPTY_ROW, Row(muted("Press r to start it, or see: stigmer-tui server logs"))]
    return rows


def _paragraph(text: str, ink: Ink, width: int) -> list[Row]:
    if not text:
        return [EMPTY_ROW]
    return [Row(spans) for spans in wrap(((text, ink),), width)]
