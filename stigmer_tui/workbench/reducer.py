"""From one state of a session to the next, by what has happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.events import (
    CodePrinted,
    ConnectionLost,
    DaemonReported,
    Deployed,
    DeploymentFailed,
    DeploymentInterrupted,
    Event,
    FilesSaved,
    FilesWatched,
    KeysHandedOver,
    LatencyMeasured,
    ListsChanged,
    ManifestsLoaded,
    Noticed,
    ProjectDetected,
    ProjectEvent,
    ProjectLoaded,
    ResourcePreviewed,
    RunChanged,
    RunDetached,
    RunEnded,
    RunOpened,
    RunReplaced,
    RunStarted,
    SecretsRecalled,
    SecretsRemembered,
    ServerConnected,
    ServerLost,
    ServerSearched,
    TestsChanged,
    WatchRulesChanged,
    WatchSwitched,
)
from stigmer_tui.workbench.state import Level, Notice, ProjectState, ShownRun, Stage, WorkbenchState

MAX_NOTICES = 500
"""Older ones are forgotten."""


def reduce(state: WorkbenchState, event: Event) -> WorkbenchState:
    if isinstance(event, ProjectEvent):
        return _reduce_in_project(state, event)
    match event:
        case ServerSearched():
            return replace(state, daemon=DaemonState())
        case ServerConnected(address, abilities):
            known = replace(state.daemon, connected=True, address=address, abilities=abilities, problem="")
            return replace(state, daemon=known)
        case ServerLost(problem, log_lines):
            return replace(state, daemon=DaemonState(problem=problem, log_lines=log_lines))
        case DaemonReported(daemon):
            return replace(state, daemon=daemon)
        case KeysHandedOver(names, at):
            text = f"Handed {' and '.join(names)} to the daemon, which had no such key; it is kept in memory only"
            return _with_notice(state, text, Level.INFORMATION, at)
        case ListsChanged(resources, runs):
            return replace(state, resources=resources, runs=runs, listed=True)
        case ResourcePreviewed(preview):
            return replace(state, preview=preview)
        case Noticed(text, level, at):
            return _with_notice(state, text, level, at)
        case RunStarted(run) | RunOpened(run):
            return replace(state, shown=run)
        case SecretsRecalled() | SecretsRemembered():
            # The form of a run shows them; a command prints them.
            return state
        case RunChanged() | ConnectionLost() | RunEnded() | RunReplaced() | RunDetached():
            # An execution is changed in place; the event only says that it was.
            return state


def _reduce_in_project(state: WorkbenchState, event: ProjectEvent) -> WorkbenchState:
    """Outside a project there is nothing to change."""
    if state.project is None:
        return state
    if isinstance(event, TestsChanged):
        return replace(state, tests=event.tests)
    project = _reduce_project(state.project, event)
    if not isinstance(event, Deployed):
        return replace(state, project=project)
    noticed = _with_deployment_notices(state, state.project, event)
    shown = state.shown
    if shown and _waits_for_message(shown, event):
        shown = replace(shown, has_newer_code=True)
    return replace(noticed, project=project, shown=shown)


def _reduce_project(project: ProjectState, event: ProjectEvent) -> ProjectState:
    match event:
        case ProjectLoaded(name):
            return replace(project, name=name, stage=Stage.SYNTHESIS)
        case ManifestsLoaded():
            return replace(project, stage=Stage.APPLY)
        case Deployed(deployment):
            return replace(
                project,
                stage=Stage.IDLE,
                applied=deployment.applied,
                problem=None,
                defines=deployment.defines,
                sources=deployment.sources,
                warnings=frozenset(deployment.warnings),
            )
        case DeploymentFailed(_, problem):
            return replace(project, stage=Stage.IDLE, problem=problem)
        case DeploymentInterrupted():
            return replace(project, stage=Stage.IDLE)
        case WatchSwitched(is_on):
            return replace(project, watching=is_on)
        case WatchRulesChanged(rules):
            return replace(project, watch_rules=rules)
        case FilesWatched(count):
            return replace(project, watched_files=count)
        case FilesSaved(change, at):
            return replace(project, last_change=change, last_change_at=at)
        case LatencyMeasured(seconds):
            return replace(project, latency=seconds)
        case ProjectDetected() | CodePrinted() | TestsChanged():
            return project


def _with_deployment_notices(state: WorkbenchState, project: ProjectState, event: Deployed) -> WorkbenchState:
    """The warnings of the code; of these, what the last deployment warned of already is known. Then what it led to."""
    deployment = event.deployment
    for warning in deployment.warnings:
        is_known = warning in project.warnings
        state = _with_notice(state, warning, Level.WARNING, deployment.applied.at, is_known)
    if not event.saved:
        return state
    text = f"Saved {event.saved} · {deployment.applied.summary}{_consequence(state, event)}"
    return _with_notice(state, text, Level.INFORMATION, deployment.applied.at)


def _consequence(state: WorkbenchState, event: Deployed) -> str:
    shown = state.shown
    if event.rerun:
        if shown and shown.earlier:
            return f" · {shown.resource.name} answers the last message again"
        if event.waits:
            return f" · {event.rerun} runs again when this run has ended"
        return f" · running {event.rerun} again"
    if shown and _waits_for_message(shown, event):
        return f" · the next message to {shown.resource.name} runs on it"
    return ""


def _waits_for_message(shown: ShownRun, event: Deployed) -> bool:
    """Whether the deployment takes effect with the next message of the shown conversation."""
    return not event.rerun and shown.can_continue and shown.resource.key in event.deployment.affected


def _with_notice(
    state: WorkbenchState, text: str, level: Level, at: datetime, is_known: bool = False
) -> WorkbenchState:
    """Every notice is kept: a screen draws less often than they come, and a person looks away."""
    notices = state.notices
    number = notices[-1].number + 1 if notices else 1
    return replace(state, notices=(*notices, Notice(text, level, number, at, is_known))[-MAX_NOTICES:])
