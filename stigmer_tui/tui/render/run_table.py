"""The rows of the table of all runs."""

from __future__ import annotations

from datetime import datetime

from stigmer_tui.core.units import duration_text, uptime_text
from stigmer_tui.tui.render.blocks import cut_spans
from stigmer_tui.tui.render.cells import cells, one_line
from stigmer_tui.tui.render.glyphs import STATE_ROLES, Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.tui.render.styled_rows import Row, Spans, StyleRole, text_of
from stigmer_tui.workbench.model import ResourceKind, Run, RunState
from stigmer_tui.workbench.run_history import MAX_FOUND
from stigmer_tui.workbench.run_query import FoundRun

NAME_WIDTH, AGE_WIDTH, TIME_WIDTH = 26, 10, 11

MARGIN = 5
"""Before the name: the bar of the selection, the mark and the state."""


def row_count(found: FoundRun) -> int:
    """How many rows a run has."""
    return 2 if found.excerpts else 1


def run_rows(
    found: FoundRun, is_selected: bool, is_marked: bool, width: int, glyphs: Glyphs, now: datetime
) -> list[Row]:
    """A line, and below it the first one of the run that has what was searched for."""
    run = found.run
    bar = ((glyphs.selection, StyleRole.RUNNING),) if is_selected else plain(" ")
    sign: Spans = (
        *bar,
        (f"{glyphs.bullet if is_marked else ' '} ", StyleRole.RUNNING),
        (f"{glyphs.states[run.state]} ", STATE_ROLES[run.state]),
    )
    columns: Spans = (
        *_column(plain(one_line(run.resource)), NAME_WIDTH, glyphs),
        *_column(muted(_age(run, now)), AGE_WIDTH, glyphs),
        *_column(muted(_took(run, now)), TIME_WIDTH, glyphs),
    )
    rows = [Row((*sign, *columns, *_about(run)))]
    if found.excerpts:
        more = f"  +{len(found.excerpts) - 1}" if len(found.excerpts) > 1 else ""
        line = (*bar, *muted(" " * (MARGIN - 1) + one_line(str(found.excerpts[0]))))
        rows.append(justified(line, muted(more), width - 1, glyphs.ellipsis))
    return rows


def run_table_header(
    query: str, count: int, marked: int, problem: str, is_searching: bool, width: int, dots: str
) -> Row:
    """What is searched for, and how much of it there is. `dots` is the ellipsis."""
    title = joined([((" Runs", StyleRole.STRONG),), plain(one_line(query))])
    if problem:
        return justified((*title, *plain("  "), (one_line(problem), StyleRole.FAILED)), (), width, dots)
    found = f"the newest {count} " if count >= MAX_FOUND else f"{count} found "
    words = [muted(f"{marked} marked" if marked else ""), muted("searching … " if is_searching else found)]
    return justified(title, joined(words), width, dots)


def _about(run: Run) -> Spans:
    """What it was told, or by whom a task was done, and why it failed."""
    told = f"by {run.message}" if run.kind is ResourceKind.TASK else run.message
    error = ((f"  {one_line(run.error)}", StyleRole.FAILED),) if run.state is RunState.FAILED else ()
    return (*plain(one_line(told)), *error)


def _column(spans: Spans, width: int, glyphs: Glyphs) -> Spans:
    kept = cut_spans(spans, width - 2, glyphs.ellipsis)
    return (*kept, *plain(" " * (width - cells(text_of(kept)))))


def _age(run: Run, now: datetime) -> str:
    moment = run.created_at or run.started_at
    return f"{uptime_text((now - moment).total_seconds())} ago" if moment else ""


def _took(run: Run, now: datetime) -> str:
    if run.started_at is None:
        return ""
    return duration_text(max(0.0, ((run.completed_at or now) - run.started_at).total_seconds()))
