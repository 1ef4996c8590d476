"""Several runs at the same time, each in a cell: what it is, how it stands, and what happened last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from stigmer_tui.core.units import duration_text
from stigmer_tui.tui.render.blocks import cut_spans
from stigmer_tui.tui.render.cells import cells, one_line, wrap
from stigmer_tui.tui.render.glyphs import STATE_ROLES, Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Spans, StyleRole, text_of
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.run_progress import MAX_LATEST, RunProgress

CELL_WIDTH = 48
CELL_HEIGHT = MAX_LATEST + 2
"""Its heading, its lines, and a blank row below."""


def columns_of(width: int) -> int:
    return max(1, width // CELL_WIDTH)


def grid_header(runs: Sequence[RunProgress], is_begun: bool, width: int, glyphs: Glyphs) -> Row:
    counts = {state: sum(run.state is state for run in runs) for state in RunState}
    parts: list[Spans] = [
        ((f"{glyphs.states[state]} {count} {state}", STATE_ROLES[state]),) for state, count in counts.items() if count
    ]
    right = joined(parts) if is_begun else muted("not started: enter runs them, esc does not")
    return justified(
        ((f" All {len(runs)} at the same time", StyleRole.STRONG),), (*right, *plain(" ")), width, glyphs.ellipsis
    )


def grid_rows(runs: Sequence[RunProgress], selected: int, width: int, glyphs: Glyphs, now: datetime) -> list[Row]:
    """A list where there is room for one column only."""
    columns = columns_of(width)
    if columns == 1:
        return [_list_row(run, number == selected, width, glyphs, now) for number, run in enumerate(runs)]
    cell_width = width // columns
    rows: list[Row] = []
    for first in range(0, len(runs), columns):
        line = [
            _cell(run, first + number == selected, cell_width, glyphs, now)
            for number, run in enumerate(runs[first : first + columns])
        ]
        rows += [Row(tuple(span for cell in line for span in cell[y])) for y in range(CELL_HEIGHT - 1)]
        rows.append(EMPTY_ROW)
    return rows


def _list_row(run: RunProgress, is_selected: bool, width: int, glyphs: Glyphs, now: datetime) -> Row:
    what = run.error if run.state is RunState.FAILED else run.activity
    name = (*_name(run, glyphs), *plain("  "), *muted(one_line(what)))
    return justified((*_bar(is_selected, glyphs), *name), _state(run, now), width - 1, glyphs.ellipsis)


def _cell(run: RunProgress, is_selected: bool, width: int, glyphs: Glyphs, now: datetime) -> list[Spans]:
    """Rows of exactly this width."""
    room = width - 3
    lines = [justified(_name(run, glyphs), _state(run, now), room, glyphs.ellipsis).spans, *_lines(run, room, glyphs)]
    lines += [()] * (CELL_HEIGHT - 1 - len(lines))
    return [(*_bar(is_selected, glyphs), *_filled(spans, room + 2)) for spans in lines]


def _lines(run: RunProgress, room: int, glyphs: Glyphs) -> list[Spans]:
    if run.error:
        return wrap(((one_line(run.error), StyleRole.FAILED),), room)[:MAX_LATEST]
    return [cut_spans(muted(one_line(text)), room, glyphs.ellipsis) for text in run.latest]


def _name(run: RunProgress, glyphs: Glyphs) -> Spans:
    state = (f"{glyphs.states[run.state]} ", STATE_ROLES[run.state])
    return (state, (one_line(run.resource.name), StyleRole.STRONG))


def _state(run: RunProgress, now: datetime) -> Spans:
    seconds = run.took(now)
    time = "" if seconds is None else f" {duration_text(max(0.0, seconds))}"
    return ((f"{run.state}{time}", STATE_ROLES[run.state]),)


def _bar(is_selected: bool, glyphs: Glyphs) -> Spans:
    return ((glyphs.selection, StyleRole.RUNNING),) if is_selected else plain(" ")


def _filled(spans: Spans, width: int) -> Spans:
    return (*spans, *plain(" " * (width - cells(text_of(spans)))))
