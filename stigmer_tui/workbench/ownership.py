"""What belongs to the project that the workbench was opened on, and what is deployed from elsewhere."""

from __future__ import annotations

from stigmer_tui.workbench.model import BUILT_IN, Resource, ResourceKind, Run
from stigmer_tui.workbench.state import WorkbenchState


def own_resources(state: WorkbenchState) -> tuple[Resource, ...]:
    """Outside a project all of them, but for the tasks of the program."""
    return tuple(resource for resource in state.resources if owns(state, resource))


def own_first(state: WorkbenchState) -> tuple[Resource, ...]:
    """All there are."""
    return tuple(sorted(state.resources, key=lambda resource: not owns(state, resource)))


def owns(state: WorkbenchState, resource: Resource) -> bool:
    """What the project's code defines; before that is known, what a project of this name has deployed."""
    if resource.kind is ResourceKind.TASK:
        return resource.project != BUILT_IN
    if state.project is None:
        return True
    if state.project.defines is None:
        return resource.project == state.project.name
    return resource.key in state.project.defines


def own_runs(state: WorkbenchState) -> tuple[Run, ...]:
    """Runs of what belongs to the project, and the one that is shown."""
    if state.project is None:
        return state.runs
    own = {resource.id for resource in own_resources(state)}
    shown = state.shown.execution.id if state.shown else ""
    return tuple(run for run in state.runs if run.resource_id in own or run.id == shown)
