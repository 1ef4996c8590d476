"""The daemon's sidebar: its processes, the model, the watch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.daemon_processes import PROCESSES
from stigmer_tui.core.units import duration_text, plural, size_text, uptime_text
from stigmer_tui.core.watch_rules import USUAL, WatchRules, When
from stigmer_tui.tui.render.cells import one_line, wrap
from stigmer_tui.tui.render.glyphs import Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Spans, StyleRole
from stigmer_tui.tui.render.tests import failed_test_text, test_rows
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.state import ProjectProblem, ProjectState, Stage, WorkbenchState

LABELS = {process.name: process.label for process in PROCESSES}

LOOKS = {
    ComponentState.STARTING: (RunState.PENDING, StyleRole.MUTED),
    ComponentState.READY: (RunState.COMPLETED, StyleRole.COMPLETED),
    ComponentState.BUSY: (RunState.RUNNING, StyleRole.RUNNING),
    ComponentState.NOT_READY: (RunState.WAITING, StyleRole.WAITING),
    ComponentState.RESTARTING: (RunState.WAITING, StyleRole.WAITING),
    ComponentState.FAILED: (RunState.FAILED, StyleRole.FAILED),
    ComponentState.STOPPED: (RunState.CANCELLED, StyleRole.MUTED),
}

STAGES = {Stage.IDLE: "on", Stage.SYNTHESIS: "running the code", Stage.APPLY: "deploying"}


@dataclass(frozen=True, slots=True)
class SidebarFormat:
    width: int
    glyphs: Glyphs
    now: datetime
    has_focus: bool = False


def sidebar_rows(state: WorkbenchState, form: SidebarFormat) -> list[Row]:
    rows = [*_daemon(state.daemon, state.context, form), EMPTY_ROW]
    for component in state.daemon.components:
        rows.extend(_component(component, form))
    facts = _facts(state.daemon)
    if any(facts.values()):
        rows.append(EMPTY_ROW)
    for name, value in facts.items():
        if value:
            rows.extend(_fact(name, value, form))
    if state.project:
        rows += [EMPTY_ROW, *_watch(state.project, form)]
    if state.tests.all:
        rows += [EMPTY_ROW, *test_rows(state.tests, form.width, form.glyphs)]
    return rows


def _facts(daemon: DaemonState) -> dict[str, str]:
    """By name; empty ones are not known."""
    return {
        "Model": daemon.model,
        "Sandbox": daemon.sandbox,
        "Engine": daemon.engine,
        "Secrets": daemon.secrets,
        "Disk": f"{size_text(daemon.free_bytes)} free" if daemon.free_bytes else "",
    }


def daemon_look(daemon: DaemonState) -> tuple[str, RunState, StyleRole]:
    """The state in one word, with its sign."""
    if daemon.problem:
        return "stopped", RunState.FAILED, StyleRole.FAILED
    if not daemon.connected:
        return "reconnecting" if daemon.address else "starting", RunState.WAITING, StyleRole.WAITING
    states = {component.state for component in daemon.components}
    for bad in (ComponentState.FAILED, ComponentState.RESTARTING, ComponentState.STARTING, ComponentState.NOT_READY):
        if bad in states:
            return bad.value, *LOOKS[bad]
    return "ready", RunState.COMPLETED, StyleRole.COMPLETED


def _daemon(daemon: DaemonState, context: str, form: SidebarFormat) -> Iterator[Row]:
    word, sign, role = daemon_look(daemon)
    look = ((f"{form.glyphs.states[sign]} ", role), (word, role))
    heading = StyleRole.STRONG | StyleRole.RUNNING if form.has_focus else StyleRole.STRONG
    yield justified(((context or "Daemon", heading),), look, form.width, form.glyphs.ellipsis)
    if daemon.address:
        version = muted(f"v{daemon.version}") if daemon.version else ()
        yield justified(muted(daemon.address), version, form.width, form.glyphs.ellipsis)
    if missing := daemon.abilities.missing:
        yield from (Row(spans) for spans in wrap(((missing, StyleRole.WAITING),), form.width))
    if daemon.connected and not daemon.requires_token:
        yield Row((("no authentication", StyleRole.WAITING),))


def _component(component: Component, form: SidebarFormat) -> Iterator[Row]:
    sign, role = LOOKS[component.state]
    name = LABELS.get(component.name, component.name)
    left = ((f"{form.glyphs.states[sign]} ", role), *plain(name))
    if not component.pid:
        yield justified(left, muted(component.state.value), form.width, form.glyphs.ellipsis)
        yield from _reason(component, form)
        return
    use = f"{size_text(component.memory)} {component.cpu:4.1f}%"
    yield justified(left, plain(use), form.width, form.glyphs.ellipsis)
    details = [muted(f"pid {component.pid}"), muted(f"up {_since(component.started_at, form.now)}")]
    yield justified((("  ", StyleRole.TEXT), *joined(details)), (), form.width, form.glyphs.ellipsis)
    if component.restarts:
        yield Row(((f"  {plural(component.restarts, 'restart')}", StyleRole.WAITING),))
    yield from _remarks(component, form)


def _remarks(component: Component, form: SidebarFormat) -> Iterator[Row]:
    """What there is to say of a process that is there."""
    if component.detail:
        yield from _indented(component.detail, LOOKS[component.state][1], form)
    if component.queued:
        yield from _indented(f"{plural(component.queued, 'run')} waiting for it", StyleRole.WAITING, form)
    if component.last_error:
        when = _since(component.last_error_at, form.now)
        yield from _indented(f"last error, {when} ago: {component.last_error}", StyleRole.MUTED, form)
    if component.notice:
        yield from _indented(component.notice, StyleRole.MUTED, form)


def _reason(component: Component, form: SidebarFormat) -> Iterator[Row]:
    """Why a process is not there, and for one that is given up, what it wrote last and how to try again."""
    if component.detail:
        yield from _indented(component.detail.partition("; try again")[0], LOOKS[component.state][1], form)
    for line in component.log_lines:
        yield from _indented(line, StyleRole.MUTED, form)
    if component.state is ComponentState.FAILED:
        yield from _indented("r here: try again", StyleRole.TEXT, form)


def _indented(text: str, role: StyleRole, form: SidebarFormat) -> Iterator[Row]:
    for spans in wrap(((one_line(text), role),), form.width - 2):
        yield Row((("  ", StyleRole.TEXT), *spans))


def _fact(name: str, value: str, form: SidebarFormat) -> Iterator[Row]:
    """A name and its value, wrapped."""
    margin = 9
    for number, spans in enumerate(wrap(plain(one_line(value)), form.width - margin)):
        yield Row((((name if number == 0 else "").ljust(margin), StyleRole.MUTED), *spans))


def _watch(project: ProjectState, form: SidebarFormat) -> Iterator[Row]:
    role = StyleRole.RUNNING if project.stage is not Stage.IDLE else StyleRole.TEXT
    word = STAGES[project.stage] if project.watching or project.stage is not Stage.IDLE else "off"
    if project.watching and project.stage is Stage.IDLE and project.watch_rules != USUAL:
        word = watch_word(project.watch_rules)
    if project.problem:
        word, role = problem_word(project.problem), StyleRole.FAILED
    yield justified((("Watch", StyleRole.STRONG),), ((word, role),), form.width, form.glyphs.ellipsis)
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


def watch_word(rules: WatchRules) -> str:
    """What a save does, where that is not the usual."""
    return "on · deploys only" if rules.when is When.NEVER else f"on · {rules.when} · {rules.queueing}"


def problem_word(problem: ProjectProblem) -> str:
    """A problem without a location may not be the code's fault."""
    return "the code fails" if problem.where else "not deployed"


def _since(moment: datetime | None, now: datetime) -> str:
    """At least one minute, since seconds would need a repaint each second."""
    if moment is None:
        return "–"
    seconds = (now - moment).total_seconds()
    return uptime_text(seconds) if seconds >= 60 else "< 1 m"


def _clock(moment: datetime) -> str:
    return moment.astimezone().strftime("%H:%M:%S")


def summary_of(state: WorkbenchState, glyphs: Glyphs) -> Spans:
    """The sidebar in one line: `✓ daemon · ▸ 1 running · watching`."""
    word, sign, role = daemon_look(state.daemon)
    name = "daemon" if word == "ready" else f"daemon {word}"
    parts: list[Spans] = [((f"{glyphs.states[sign]} ", role), *plain(name))]
    if state.daemon.running:
        parts.append(((f"{glyphs.states[RunState.RUNNING]} {state.daemon.running} running", StyleRole.RUNNING),))
    if project := state.project:
        text = STAGES[project.stage] if project.stage is not Stage.IDLE else "watching"
        if project.problem:
            parts.append(((problem_word(project.problem), StyleRole.FAILED),))
        else:
            parts.append(muted(text if project.watching else "not watching"))
    if failed := failed_test_text(state.tests):
        parts.append(((f"{glyphs.states[RunState.FAILED]} {failed}", StyleRole.FAILED),))
    return joined(parts)
