"""What stands above the entries: the name of the run, why there is one, and what is wrong with the code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from stigmer_tui.core.ids import shorten_id
from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.tui.render.cells import clean_lines, one_line, wrap
from stigmer_tui.tui.render.entry_heading import waiting_spans
from stigmer_tui.tui.render.glyphs import STATE_ROLES, Glyphs
from stigmer_tui.tui.render.layout import joined, justified, muted, plain
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Spans, StyleRole
from stigmer_tui.workbench.daemon_state import DaemonState
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState, run_label
from stigmer_tui.workbench.nodes import NodeKind
from stigmer_tui.workbench.ownership import own_resources
from stigmer_tui.workbench.state import ProjectProblem, ShownRun, WorkbenchState
from stigmer_tui.workbench.usage import usage_of_all, usage_words

LAST_GOOD_RUN = "The last good run stays below; save again to retry"
MAX_PROBLEM_ROWS = 12
"""Rows for what a tool says; the last good run stays in sight below."""

TASK_ENDS = (RunState.COMPLETED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)


def title_rows(
    shown: ShownRun, width: int, glyphs: Glyphs, now: datetime, is_connected: bool = True, error: str = ""
) -> list[Row]:
    """`error` is that of a run in whose view it does not stand."""
    execution = shown.execution
    state = execution.state
    if state.is_final or is_connected:
        right = ((f"{glyphs.states[state]} {_progress(execution, now)}", STATE_ROLES[state]),)
    else:
        right = ((f"{state} when last seen", StyleRole.MUTED),)
    name = run_label(execution.kind, shown.resource.name, execution.message)
    first = justified(((one_line(name), StyleRole.STRONG),), right, width, glyphs.ellipsis)
    about: Spans = ((one_line(error), STATE_ROLES[state]),) if error else ()
    about = about or (_summary(execution) if state.is_final else _message(execution))
    if shown.earlier:
        about = joined([about, muted(_session_usage(shown))])
    used = () if state.is_final else joined([muted(words) for words in usage_words(execution.usage)])
    second = justified(
        joined([*_reason(shown), used, about]),
        muted(shorten_id(execution.id.rpartition("/")[2])),
        width,
        glyphs.ellipsis,
    )
    return [first, second]


def problem_rows(problem: ProjectProblem, width: int, glyphs: Glyphs, has_run: bool) -> list[Row]:
    """File and line first, in the tool's own words, under a red rule."""
    rows = [Row(((glyphs.rule * width, StyleRole.FAILED),))]
    head: list[Spans] = [((problem.where, StyleRole.FAILED | StyleRole.STRONG),), plain(one_line(problem.message))]
    rows += [Row(spans) for spans in wrap(joined(head, " "), width)]
    output = clean_lines(problem.output)
    shown = output[-MAX_PROBLEM_ROWS:]
    if len(shown) < len(output):
        rows.append(Row(muted(glyphs.ellipsis)))
    rows += [Row(spans) for line in shown for spans in wrap(muted(line), width)][:MAX_PROBLEM_ROWS]
    rows.append(Row(muted(LAST_GOOD_RUN if has_run else "Save again to retry")))
    rows.append(Row(((glyphs.rule * width, StyleRole.FAILED),)))
    return rows


def started_text(execution: Execution, now: datetime) -> str:
    """How long it has been running, or ran."""
    if execution.started_at is None:
        return ""
    end = execution.completed_at or now
    return duration_text(max(0.0, (end - execution.started_at).total_seconds()))


def _progress(execution: Execution, now: datetime) -> str:
    elapsed = started_text(execution, now)
    if execution.state is RunState.PENDING:
        return "waiting for a runner"
    return f"{execution.state} {elapsed}".rstrip()


def _reason(shown: ShownRun) -> list[Spans]:
    """It stays when the run has ended: many end before anybody could read it."""
    number = muted(f"run {shown.number}") if shown.number else ()
    turn = muted(f"turn {len(shown.conversation)}") if shown.earlier else ()
    return [number, turn, muted(one_line(shown.why))]


def _session_usage(shown: ShownRun) -> str:
    """`session 12.3 k tokens, $0.0123`; empty where nothing was counted."""
    words = [*usage_words(usage_of_all(execution.usage for execution in shown.conversation))]
    # How full the context is stands beside the execution.
    counted = [word for word in words if not word.startswith("ctx ")]
    return f"session {', '.join(counted)}" if counted else ""


def _message(execution: Execution) -> Spans:
    message = one_line(execution.message)
    return muted(f"message “{message}”") if message else ()


def _summary(execution: Execution) -> Spans:
    if execution.kind is not ResourceKind.WORKFLOW:
        counts = [plural(len(execution.messages()), "message")]
        if calls := execution.count(NodeKind.TOOL_CALL).total():
            counts.append(plural(calls, "tool call"))
        counts += usage_words(execution.usage)
    else:
        counts = _task_counts(execution.count(NodeKind.TASK))
    return joined([muted(count) for count in counts])


def _task_counts(states: Counter[RunState]) -> list[str]:
    """`12 tasks completed`, or `11 completed · 1 skipped`: what is named adds up to all that there is."""
    if not states:
        return []
    done = states[RunState.COMPLETED]
    if done == states.total():
        return [f"{plural(done, 'task')} completed"]
    counts = [f"{states[state]} {state}" for state in TASK_ENDS if state in states]
    rest = states.total() - sum(states[state] for state in TASK_ENDS)
    return [*counts, f"{rest} not reached"] if rest else counts


def waiting_row(execution: Execution, now: datetime, glyphs: Glyphs) -> Spans:
    """What an agent waits for, as long as it says nothing."""
    spans = waiting_spans(execution.waiting, now) if execution.waiting else ()
    return ((f"{glyphs.states[RunState.RUNNING]} ", StyleRole.RUNNING), *spans) if spans else ()


def empty_transcript(execution: Execution) -> str:
    """What stands where the entries of a transcript would be."""
    is_over = execution.state.is_final
    return "Nothing was said or done in this run" if is_over else "Waiting for the first event of this run …"


def empty_tasks(execution: Execution) -> str:
    """What stands where the tree of tasks would be."""
    noun = "tasks" if execution.kind is ResourceKind.WORKFLOW else "tool calls"
    return f"No {noun} in this run" if execution.state.is_final else f"No {noun} yet"


def error_beside_tasks(execution: Execution) -> str:
    """The error of a run that none of its tasks shows; empty where one does, or where there is none."""
    return "" if execution.cause() else execution.error


def welcome_rows(state: WorkbenchState, width: int) -> list[Row]:
    """Where no run is shown yet: what will be here, and how to get it there."""
    return [row for text, role in _welcome(state) for row in _paragraph(text, role, width)]


def _welcome(state: WorkbenchState) -> Iterator[tuple[str, StyleRole]]:
    project = state.project
    own = own_resources(state)
    if own:
        yield "Select an agent or a workflow and press enter to run it.", StyleRole.TEXT
        yield "What it says and does appears here as it happens.", StyleRole.MUTED
        if project:
            yield "Save a file of the project, and it runs again with the new code.", StyleRole.MUTED
    elif project and project.applied:
        yield "The project's code defines no agent and no workflow yet.", StyleRole.TEXT
        yield "Add one and save the file; it will be in the list at once.", StyleRole.MUTED
    elif project and not project.problem:
        yield "The project's code is being run; what it defines will be in the list.", StyleRole.TEXT
    if missing := state.daemon.abilities.missing:
        yield "", StyleRole.TEXT
        yield f"{missing}.", StyleRole.MUTED
        if not state.daemon.abilities.can_list:
            yield "The list has what this project deploys there, and what was run or opened from here.", StyleRole.MUTED
    if project is None:
        if own:
            yield "", StyleRole.TEXT
        yield "There is no project in this folder.", StyleRole.TEXT
        yield "Make one:  stigmer-tui new NAME", StyleRole.MUTED
        yield "Open one:  stigmer-tui PATH", StyleRole.MUTED
        if state.recent_projects:
            yield "", StyleRole.TEXT
            yield "Recent projects", StyleRole.MUTED
            for folder in state.recent_projects:
                yield f"  {folder}", StyleRole.TEXT


def daemon_problem_rows(daemon: DaemonState, width: int) -> list[Row]:
    """A daemon that does not come up: what failed, the last log lines, the keys to retry."""
    headline, *advice = clean_lines(daemon.problem)
    rows = _paragraph(headline, StyleRole.FAILED | StyleRole.STRONG, width)
    for line in advice:
        rows.extend(_paragraph(line, StyleRole.TEXT, width))
    if daemon.log_lines:
        rows += [EMPTY_ROW, Row(muted("Last lines of its log"))]
        for line in daemon.log_lines:
            rows.extend(Row(spans) for text in clean_lines(line) for spans in wrap(muted(text), width))
    return [*rows, EMPTY_ROW, _daemon_keys(daemon)]


def lost_daemon_rows(daemon: DaemonState, width: int, glyphs: Glyphs) -> list[Row]:
    """The same in a few rows, above what is still known of the shown run."""
    rule = Row(((glyphs.rule * width, StyleRole.FAILED),))
    headline, *advice = clean_lines(daemon.problem)
    rows = _paragraph(headline, StyleRole.FAILED | StyleRole.STRONG, width)
    for line in filter(None, advice):
        rows.extend(_paragraph(line, StyleRole.TEXT, width))
    return [rule, *rows[:MAX_PROBLEM_ROWS], _daemon_keys(daemon), rule]


def _daemon_keys(daemon: DaemonState) -> Row:
    return Row(muted("Press r to retry" + (", or see: stigmer-tui server logs" if daemon.log_lines else "")))


def _paragraph(text: str, role: StyleRole, width: int) -> list[Row]:
    if not text:
        return [EMPTY_ROW]
    return [Row(spans) for spans in wrap(((text, role),), width)]
