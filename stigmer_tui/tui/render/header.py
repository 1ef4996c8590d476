"""The first line of the screen: the project and its state."""

from __future__ import annotations

from pathlib import Path

from stigmer_tui.core.units import plural
from stigmer_tui.tui.render.cells import one_line
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted
from stigmer_tui.tui.render.sidebar import STAGES, problem_word, summary_of
from stigmer_tui.tui.render.styled_rows import Row, Spans, StyleRole
from stigmer_tui.workbench.model import ResourceKind
from stigmer_tui.workbench.ownership import own_resources
from stigmer_tui.workbench.state import ProjectState, Stage, WorkbenchState

REGIONS = ("Picker", "Run", "Daemon")


def header_row(state: WorkbenchState, width: int, glyphs: Glyphs, has_sidebar: bool) -> Row:
    """`has_sidebar`: leaves out what the sidebar shows."""
    right = _project_stage(state.project) if has_sidebar else summary_of(state, glyphs)
    left: Spans = (
        (" ", StyleRole.TEXT),
        *_name(state),
        ("   ", StyleRole.TEXT),
        *joined([_folder(state), _counts(state)], "   "),
    )
    return justified(left, (*right, (" ", StyleRole.TEXT)), width, glyphs.ellipsis)


def narrow_header_row(state: WorkbenchState, region: int, width: int, glyphs: Glyphs) -> Row:
    """For narrow windows: names the regions and marks the visible one."""
    tabs: list[tuple[str, StyleRole]] = []
    for number, name in enumerate(REGIONS):
        role = StyleRole.STRONG | StyleRole.RUNNING if number == region else StyleRole.MUTED
        tabs += [(f"{number + 1} {name}", role), ("  ", StyleRole.TEXT)]
    left = ((" ", StyleRole.TEXT), *tabs)
    return justified(left, (*summary_of(state, glyphs), (" ", StyleRole.TEXT)), width, glyphs.ellipsis)


def too_small_text(width: int, height: int) -> str:
    return f"The window has {width}×{height}; it needs 40×12"


def _name(state: WorkbenchState) -> Spans:
    return ((one_line(state.project.name) if state.project else "stigmer", StyleRole.STRONG),)


def _folder(state: WorkbenchState) -> Spans:
    if state.project is None:
        return muted("no project in this folder")
    folder = Path(state.project.folder)
    home = Path.home()
    return muted(f"~/{folder.relative_to(home)}" if folder.is_relative_to(home) else str(folder))


def _counts(state: WorkbenchState) -> Spans:
    kinds = [resource.kind for resource in own_resources(state)]
    workflows, agents = kinds.count(ResourceKind.WORKFLOW), kinds.count(ResourceKind.AGENT)
    if not kinds:
        return ()
    return muted(f"{plural(workflows, 'workflow')} · {plural(agents, 'agent')}")


def _project_stage(project: ProjectState | None) -> Spans:
    if project is None:
        return ()
    if project.problem:
        return ((problem_word(project.problem), StyleRole.FAILED),)
    if project.stage is not Stage.IDLE:
        return ((STAGES[project.stage], StyleRole.RUNNING),)
    watched = f"watching {plural(project.watched_files, 'file')}" if project.watching else "not watching"
    applied = f"applied {project.applied.at.astimezone():%H:%M:%S}" if project.applied else ""
    return joined([muted(watched), muted(applied)])
