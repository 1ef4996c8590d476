"""The daemon's sidebar: its processes, the model, the watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.units import duration_text, plural, size_text, uptime_text
from stigmer_tui.tui.render.cells import wrap
from stigmer_tui.tui.render.clean import one_line
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.ink import EMPTY_ROW, Ink, Row, Spans
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.model import State
from stigmer_tui.workbench.state import Problem, ProjectState, Stage, WorkbenchState

NAMES = {"server": "server", "workflow-runner": "workflows", "agent-runner": "agents"}

LOOKS = {
    ComponentState.STARTING: (State.PENDING, Ink.MUTED),
    ComponentState.READY: (State.COMPLETED, Ink.COMPLETED),
    ComponentState.BUSY: (State.RUNNING, Ink.RUNNING),
    ComponentState.RESTARTING: (State.WAITING, Ink.WAITING),
    ComponentState.FAILED: (State.FAILED, Ink.FAILED),
    ComponentState.STOPPED: (State.CANCELLED, Ink.MUTED),
}

STAGES = {Stage.IDLE: "on", Stage.SYNTHESIS: "running the code", Stage.APPLY: "deploying"}


@dataclass(frozen=True, slots=True)
class SidebarFormat:
    width: int
    glyphs: Glyphs
    now: datetime
    has_focus: bool = False


def sidebar_rows(state: WorkbenchState, form: SidebarFormat) -> list[Row]:
    rows = [*_daemon(state.daemon, form), EMPTY_ROW]
    for component in state.daemon.components:
        rows.extend(_component(component, form))
    facts = {"Model": state.daemon.model, "Sandbox": state.daemon.sandbox}
    if any(facts.values()):
        rows.append(EMPTY_ROW)
    for name, value in facts.items():
        if value:
            rows.extend(_fact(name, value, form))
    if state.project:
        rows += [EMPTY_ROW, *_watch(state.project, form)]
    return rows


def daemon_look(daemon: DaemonState) -> tuple[str, State, Ink]:
    """In one word, with its sign."""
    if daemon.problem:
        return "stopped", State.FAILED, Ink.FAILED
    if not daemon.connected:
        return "reconnecting" if daemon.address else "starting", State.WAITING, Ink.WAITING
    states = {component.state for component in daemon.components}
    for bad in (ComponentState.FAILED, ComponentState.RESTARTING, ComponentState.STARTING):
        if bad in states:
            return bad.value, *LOOKS[bad]
    return "ready", State.COMPLETED, Ink.COMPLETED


def _daemon(daemon: DaemonState, form: SidebarFormat) -> Iterator[Row]:
    word, sign, ink = daemon_look(daemon)
    look = ((f"{form.glyphs.states[sign]} ", ink), (word, ink))
    heading = Ink.STRONG | Ink.RUNNING if form.has_focus else Ink.STRONG
    yield justified((("Daemon", heading),), look, form.width, form.glyphs.ellipsis)
    if daemon.address:
        version = muted(f"v{daemon.version}") if daemon.version else ()
        yield justified(muted(daemon.address), version, form.width, form.glyphs.ellipsis)
    if missing := daemon.abilities.missing:
        yield from (Row(spans) for spans in wrap(((missing, Ink.WAITING),), form.width))
    if daemon.connected and not daemon.requires_token:
        yield Row((("no authentication", Ink.WAITING),))


def _component(component: Component, form: SidebarFormat) -> Iterator[Row]:
    sign, ink = LOOKS[component.state]
    name = NAMES.get(component.name, component.name)
    left = ((f"{form.glyphs.states[sign]} ", ink), *plain(name))
    if not component.pid:
        yield justified(left, muted(component.state.value), form.width, form.glyphs.ellipsis)
        return
    use = f"{size_text(component.memory)} {component.cpu:4.1f}%"
    yield justified(left, plain(use), form.width, form.glyphs.ellipsis)
    details = [muted(f"pid {component.pid}"), muted(f"up {_since(component.started_at, form.now)}")]
    yield justified((("  ", Ink.TEXT), *joined(details)), (), form.width, form.glyphs.ellipsis)
    if component.restarts:
        yield Row(((f"  {plural(component.restarts, 'restart')}", Ink.WAITING),))


def _fact(name: str, value: str, form: SidebarFormat) -> Iterator[Row]:
    """A name in the margin, and its value in as many rows as it takes."""
    margin = 9
    for number, spans in enumerate(wrap(plain(one_line(value)), form.width - margin)):
        yield Row((((name if number == 0 else "").ljust(margin), Ink.MUTED), *spans))


def _watch(project: ProjectState, form: SidebarFormat) -> Iterator[Row]:
    ink = Ink.RUNNING if project.stage is not Stage.IDLE else Ink.TEXT
    word = STAGES[project.stage] if project.watching or project.stage is not Stage.IDLE else "off"
    if project.problem:
        word, ink = problem_word(project.problem), Ink.FAILED
    yield justified((("Watch", Ink.STRONG),), ((word, ink),), form.width, form.glyphs.ellipsis)
    if project.last_change and project.last_change_at:
        when = muted(_clock(project.last_change_at))
        yield justified(muted(project.last_change.replace(" changed", "")), when, form.width, form.glyphs.ellipsis)
    if project.applied:
        summary = muted(project.applied.summary)
        for spans in wrap(summary, form.width):
            yield Row(spans)
        yield justified(muted("applied"), muted(_clock(project.applied.at)), form.width, form.glyphs.ellipsis)
    if project.latency is not None:
        yield justified(
            muted("save to first event"), muted(duration_text(project.latency)), form.width, form.glyphs.ellipsis
        )


def problem_word(problem: Problem) -> str:
    """Where no place in the code is named, it need not be the code."""
    return "the code fails" if problem.where else "not deployed"


def _since(moment: datetime | None, now: datetime) -> str:
    """In minutes at least: seconds would have to be painted each second."""
    if moment is None:
        return "–"
    seconds = (now - moment).total_seconds()
    return uptime_text(seconds) if seconds >= 60 else "< 1 m"


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


def summary_of(state: WorkbenchState, glyphs: Glyphs) -> Spans:
    """All of it in a line, for where there is no room: `✓ daemon · ▸ 1 running · watching`."""
    word, sign, ink = daemon_look(state.daemon)
    name = "daemon" if word == "ready" else f"daemon {word}"
    parts: list[Spans] = [((f"{glyphs.states[sign]} ", ink), *plain(name))]
    if state.daemon.running:
        parts.append(((f"{glyphs.states[State.RUNNING]} {state.daemon.running} running", Ink.RUNNING),))
    if project := state.project:
        text = STAGES[project.stage] if project.stage is not Stage.IDLE else "watching"
        if project.problem:
            parts.append(((problem_word(project.problem), Ink.FAILED),))
        else:
            parts.append(muted(text if project.watching else "not watching"))
    return joined(parts)
