"""The picker's lines: workflows, agents and recent runs of the project, and what is deployed from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from stigmer_tui.core.units import uptime_text
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.render.glyphs import STATE_ROLES, Glyphs
from stigmer_tui.tui.render.layout import justified, muted, plain
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, StyleRole
from stigmer_tui.workbench.model import Resource, ResourceKind, Run, run_label
from stigmer_tui.workbench.ownership import own_resources, own_runs
from stigmer_tui.workbench.state import WorkbenchState

TITLES = {ResourceKind.WORKFLOW: "Workflows", ResourceKind.AGENT: "Agents", ResourceKind.TASK: "Tasks"}
NEVER = "–"
FRESH = 60.0
"""Seconds for which an age is "now"; the list is redrawn once a minute."""


BY_NAME = "Run by name or id …"


class Special(Enum):
    """Lines that are neither a resource nor a run."""

    ELSEWHERE = "elsewhere"
    """Heading of resources from other projects, folded by default."""
    BY_NAME = "by name"
    """Runs a resource by name, for servers that cannot list resources."""


Item = Resource | Run | Special


@dataclass(frozen=True, slots=True)
class PickerLine:
    """A row and its item; a row without one cannot be selected."""

    row: Row
    item: Item | None = None
    is_own: bool = True
    """Whether it may be selected by default."""

    @property
    def key(self) -> str:
        match self.item:
            case None:
                return ""
            case Special():
                return self.item.value
            case _:
                return f"{type(self.item).__name__}:{self.item.id}"


@dataclass(frozen=True, slots=True)
class PickerFormat:
    width: int
    glyphs: Glyphs
    now: datetime
    is_unfolded: bool = False
    """Whether resources from other projects are shown."""


def picker_lines(state: WorkbenchState, pattern: str, form: PickerFormat) -> list[PickerLine]:
    """Lines that match the pattern: all of its words, anywhere in name or description."""
    words = pattern.lower().split()
    resources, runs = own_resources(state), own_runs(state)
    elsewhere = _elsewhere(state, resources, runs, words, form)
    lines = list(_sections(resources, runs, state, words, form))
    if not lines and not (words and elsewhere):
        lines = [_nothing(pattern, state)]
    if lines and elsewhere:
        lines.append(PickerLine(EMPTY_ROW))
    lines += elsewhere
    if not state.daemon.abilities.can_list and not words:
        lines += [PickerLine(EMPTY_ROW), PickerLine(Row(muted(BY_NAME)), Special.BY_NAME, is_own=False)]
    return lines


def _elsewhere(
    state: WorkbenchState, own: Sequence[Resource], runs: Sequence[Run], words: list[str], form: PickerFormat
) -> list[PickerLine]:
    """One line while folded; unfolded by a filter."""
    own_ids = {resource.id for resource in own} | {run.id for run in runs}
    others = [resource for resource in state.resources if resource.id not in own_ids]
    other_runs = [run for run in state.runs if run.id not in own_ids]
    lines = list(_sections(others, other_runs, state, words, form))
    if not lines:
        return []
    is_unfolded = form.is_unfolded or bool(words)
    sign = form.glyphs.unfolded if is_unfolded else form.glyphs.folded
    count = muted(str(sum(isinstance(line.item, Resource) for line in lines) or ""))
    head = justified(muted(f"{sign} Elsewhere"), count, form.width, form.glyphs.ellipsis)
    rest = [replace(line, is_own=False) for line in lines] if is_unfolded else []
    return [PickerLine(head, Special.ELSEWHERE, is_own=False), *rest]


def _sections(
    resources: Iterable[Resource], runs: Iterable[Run], state: WorkbenchState, words: list[str], form: PickerFormat
) -> Iterator[PickerLine]:
    last_runs = _last_runs(state.runs)
    sections = [
        (title, [_resource_line(item, last_runs, form) for item in _of_kind(resources, kind, words)])
        for kind, title in TITLES.items()
    ]
    found = [_run_line(run, form) for run in runs if _matches(words, run.resource, run.message)]
    return _with_titles([*sections, ("Recent runs", found)])


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
    if state.project and state.resources:
        return PickerLine(Row(muted("Nothing here yet")))
    return PickerLine(Row(muted("Nothing deployed yet" if state.listed else "Looking …")))


def _resource_line(resource: Resource, last_runs: dict[str, Run], form: PickerFormat) -> PickerLine:
    run = last_runs.get(resource.id)
    sign = (" ", StyleRole.TEXT)
    if run is not None and not run.state.is_final:
        sign = (form.glyphs.states[run.state], STATE_ROLES[run.state])
    age = _age(run, form.now)
    when = age if age in (NEVER, "now") else f"{age} ago"
    left = (sign, *plain(f" {one_line(resource.name)}"))
    return PickerLine(justified(left, muted(when), form.width, form.glyphs.ellipsis), resource)


def _run_line(run: Run, form: PickerFormat) -> PickerLine:
    glyph = (f"{form.glyphs.states[run.state]} ", STATE_ROLES[run.state])
    left = (glyph, *plain(one_line(run_label(run.kind, run.resource, run.message))))
    return PickerLine(justified(left, muted(_age(run, form.now)), form.width, form.glyphs.ellipsis), run)


def _last_runs(runs: Iterable[Run]) -> dict[str, Run]:
    """The newest run of each resource, running ones first."""
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
