"""The picker's lines: workflows, agents, recent runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.units import uptime_text
from stigmer_tui.tui.render.clean import one_line
from stigmer_tui.tui.render.glyphs import STATE_INKS, Glyphs
from stigmer_tui.tui.render.ink import EMPTY_ROW, Ink, Row
from stigmer_tui.tui.render.layout import justified, muted, plain
from stigmer_tui.workbench.model import Resource, ResourceKind, Run
from stigmer_tui.workbench.state import WorkbenchState

TITLES = {ResourceKind.WORKFLOW: "Workflows", ResourceKind.AGENT: "Agents"}
NEVER = "–"
FRESH = 60.0
"""Seconds for which something is "now": the list is drawn anew once a minute."""


@dataclass(frozen=True, slots=True)
class PickerLine:
    """A row, and what it stands for; a row for nothing cannot be selected."""

    row: Row
    item: Resource | Run | None = None

    @property
    def key(self) -> str:
        return f"{type(self.item).__name__}:{self.item.id}" if self.item else ""


@dataclass(frozen=True, slots=True)
class PickerFormat:
    width: int
    glyphs: Glyphs
    now: datetime


def picker_lines(state: WorkbenchState, pattern: str, form: PickerFormat) -> list[PickerLine]:
    """What matches the pattern: all of its words, anywhere in name or description."""
    words = pattern.lower().split()
    last_runs = _last_runs(state.runs)
    sections = [
        (title, [_resource_line(item, last_runs, form) for item in _of_kind(state.resources, kind, words)])
        for kind, title in TITLES.items()
    ]
    runs = [run for run in state.runs if _matches(words, run.resource, run.message)]
    sections.append(("Recent runs", [_run_line(run, form) for run in runs]))
    return list(_with_titles(sections)) or [_nothing(pattern, state)]


def _with_titles(sections: Sequence[tuple[str, Sequence[PickerLine]]]) -> Iterator[PickerLine]:
    is_first = True
    for title, lines in sections:
        if not lines:
            continue
        if not is_first:
            yield PickerLine(EMPTY_ROW)
        is_first = False
        yield PickerLine(Row(muted(title)))
        yield from lines


def _nothing(pattern: str, state: WorkbenchState) -> PickerLine:
    if pattern:
        return PickerLine(Row(muted("Nothing matches")))
    if state.daemon.problem:
        return PickerLine(Row(muted("Not connected")))
    if not state.daemon.connected:
        return PickerLine(Row(muted("Connecting …")))
    return PickerLine(Row(muted("Nothing deployed yet" if state.listed else "Looking …")))


def _resource_line(resource: Resource, last_runs: dict[str, Run], form: PickerFormat) -> PickerLine:
    run = last_runs.get(resource.id)
    sign = (" ", Ink.TEXT)
    if run is not None and not run.state.is_final:
        sign = (form.glyphs.states[run.state], STATE_INKS[run.state])
    age = _age(run, form.now)
    when = age if age in (NEVER, "now") else f"{age} ago"
    left = (sign, *plain(f" {one_line(resource.name)}"))
    return PickerLine(justified(left, muted(when), form.width, form.glyphs.ellipsis), resource)


def _run_line(run: Run, form: PickerFormat) -> PickerLine:
    glyph = (f"{form.glyphs.states[run.state]} ", STATE_INKS[run.state])
    left = (glyph, *plain(one_line(run.resource)))
    return PickerLine(justified(left, muted(_age(run, form.now)), form.width, form.glyphs.ellipsis), run)


def _last_runs(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest run of each resource; a running one before those that have ended."""
    last: dict[str, Run] = {}
    for run in runs:
        known = last.setdefault(run.resource_id, run)
        if known.state.is_final and not run.state.is_final:
            last[run.resource_id] = run
    return last


def _of_kind(resources: Iterable[Resource], kind: ResourceKind, words: list[str]) -> list[Resource]:
    return [
        resource
        for resource in resources
        if resource.kind is kind and _matches(words, resource.name, resource.slug, resource.description)
    ]


def _matches(words: list[str], *texts: str) -> bool:
    haystack = " ".join(texts).lower()
    return all(word in haystack for word in words)


def _age(run: Run | None, now: datetime) -> str:
    moment = (run.started_at or run.created_at) if run else None
    if moment is None:
        return NEVER
    seconds = (now - moment).total_seconds()
    return "now" if seconds < FRESH else uptime_text(seconds)
