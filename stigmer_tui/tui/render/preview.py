"""What stands in the pane before a run: what the selected resource is, and how it did lately."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from stigmer_tui.core.units import duration_text
from stigmer_tui.tui.render.blocks import Format, draw, indented
from stigmer_tui.tui.render.cells import cells, one_line, wrap
from stigmer_tui.tui.render.glyphs import STATE_ROLES
from stigmer_tui.tui.render.layout import justified, muted, plain
from stigmer_tui.tui.render.markdown.splitter import Splitter
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Spans, StyleRole
from stigmer_tui.workbench.model import ResourceKind, Run
from stigmer_tui.workbench.preview import Preview
from stigmer_tui.workbench.suggestions import Suggestion, ValueSource

MAX_RUNS = 5
"""The last ones, of which it is said how they ended."""

MAX_NAME = 24
"""Cells for a name, before what is said of it."""

MARGIN: Spans = (("  ", StyleRole.TEXT),)


def preview_rows(preview: Preview, runs: Sequence[Run], source: str, form: Format, height: int) -> list[Row]:
    """`runs` are those of the resource, the newest first; `source` is where it is defined, if that is known.

    There are no more rows than `height`, of which the last one says what is left.
    """
    rows = list(_rows(preview, runs, source, form))
    if len(rows) <= height:
        return rows
    kind, name = preview.resource.kind, preview.resource.slug
    how = f": stigmer-tui describe {kind} {name}" if kind is not ResourceKind.TASK else ""
    return [*rows[: height - 1], Row(muted(f"{form.glyphs.ellipsis} {len(rows) - height + 1} more lines{how}"))]


def _rows(preview: Preview, runs: Sequence[Run], source: str, form: Format) -> Iterator[Row]:
    resource, width = preview.resource, form.width
    name: Spans = ((one_line(resource.name), StyleRole.STRONG),)
    yield justified(name, muted(resource.kind.value), width, form.glyphs.ellipsis)
    yield from (Row(spans) for spans in wrap(plain(one_line(resource.description)), width) if resource.description)
    facts = [(fact.label, plain(one_line(fact.value))) for fact in preview.facts]
    if source:
        facts.append(("Defined in", plain(source)))
    if last := _last_runs(runs[:MAX_RUNS], form):
        facts.append(("Last runs", last))
    if facts:
        yield EMPTY_ROW
        yield from _columns([(muted(label), value) for label, value in facts], width)
    if preview.variables:
        yield from _section("Variables", _columns(list(map(_variable, preview.variables)), width - len(MARGIN[0][0])))
    if preview.tasks:
        yield from _section("Tasks", _columns(_tasks(preview), width - len(MARGIN[0][0])))
    if preview.instructions.strip():
        title = "Prompt" if resource.kind is ResourceKind.TASK else "Instructions"
        yield from _section(title, _markdown(preview.instructions.strip(), form.narrowed(len(MARGIN[0][0]))))


def _section(title: str, rows: list[Row]) -> Iterator[Row]:
    yield EMPTY_ROW
    yield Row(muted(title))
    yield from indented(rows, MARGIN, MARGIN)


def _columns(lines: Sequence[tuple[Spans, Spans]], width: int) -> list[Row]:
    """Names, and what is said of each, in two columns."""
    longest = max(sum(cells(text) for text, _ in name) for name, _ in lines)
    column = min(longest, MAX_NAME, max(1, width // 2)) + 2
    rows = []
    for name, about in lines:
        size = sum(cells(text) for text, _ in name)
        first, *others = wrap(about, max(1, width - column)) or [()]
        gap = " " * max(2, column - size)
        rows.append(Row((*name, (gap, StyleRole.TEXT), *first)))
        rows += [Row(((" " * column, StyleRole.TEXT), *spans)) for spans in others]
    return rows


def _last_runs(runs: Sequence[Run], form: Format) -> Spans:
    """`✓✓✗✓✓  median 1.2 s`, the newest on the right."""
    times = [(run.completed_at - run.started_at).total_seconds() for run in runs if run.completed_at and run.started_at]
    glyphs = tuple((form.glyphs.states[run.state], STATE_ROLES[run.state]) for run in reversed(runs))
    return (*glyphs, *(muted(f"  median {duration_text(median(times))}") if times else ()))


def _variable(suggestion: Suggestion) -> tuple[Spans, Spans]:
    variable = suggestion.variable
    match suggestion.source:
        case ValueSource.NOWHERE:
            source: Spans = (("not set", StyleRole.WAITING),) if suggestion.is_missing else muted("not set")
        case ValueSource.DEFAULT if not variable.is_secret:
            source = muted(f"default {one_line(variable.default)}".rstrip())
        case _:
            source = muted(f"from {suggestion.source}")
    secret = muted("secret, ") if variable.is_secret else ()
    description = plain(f"  {one_line(variable.description)}") if variable.description else ()
    return plain(one_line(variable.name)), (*secret, *source, *description)


def _tasks(preview: Preview) -> list[tuple[Spans, Spans]]:
    lines = []
    for task in preview.tasks:
        leads_to = f"  → {', '.join(map(one_line, task.leads_to))}" if task.leads_to else ""
        lines.append((plain("  " * task.depth + one_line(task.name)), muted(task.label + leads_to)))
    return lines


def _markdown(text: str, form: Format) -> list[Row]:
    splitter = Splitter()
    splitter.extend(text)
    return [row for block in (*splitter.closed, *splitter.open(is_growing=False)) for row in draw(block, form)]
