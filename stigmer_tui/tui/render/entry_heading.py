"""The first row of an entry: what it is, how it stands, how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from stigmer_tui.core.units import duration_text, plural
from stigmer_tui.tui.render.blocks import Block, CutLineBlock, Format, cut_spans
from stigmer_tui.tui.render.cells import cells, clean, one_line
from stigmer_tui.tui.render.glyphs import STATE_ROLES
from stigmer_tui.tui.render.styled_rows import EMPTY_ROW, Row, Span, Spans, StyleRole, text_of
from stigmer_tui.tui.render.values import value_line
from stigmer_tui.workbench.changed_files import CHANGES, changes_text
from stigmer_tui.workbench.entries import EndEntry, Entry, GroupEntry, MessageEntry, NodeEntry, call_arguments
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import SCRIPTED, ModelWait, Node, NodeKind
from stigmer_tui.workbench.todos import progress_of, todos_of

INDENT = 2
"""Cells for each level of depth."""

GAP = 2

MIN_COLUMN, MAX_COLUMN = 14, 24
"""Cells for names, with the gap after them."""

MIN_NAME = 6
"""Cells that are left of that column in the deepest entry."""

KIND_WIDTH = 7

REASONING = "Reasoning"

SHORT_ERROR = 40
"""Characters."""


@dataclass(frozen=True, slots=True)
class Head:
    entry: Entry
    is_unfolded: bool
    elapsed: str
    """How long it took, or has taken so far."""
    name_width: int
    """Cells from the beginning of the name to the next column."""
    waiting: Spans = ()
    """What it waits for."""
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        return [EMPTY_ROW, self._row(form)] if self.entry.has_gap else [self._row(form)]

    def guess(self, width: int) -> int:
        return 1 + self.entry.has_gap

    def _row(self, form: Format) -> Row:
        match self.entry:
            case NodeEntry(node=node, prefix=prefix):
                name = ((prefix, StyleRole.MUTED), (one_line(node.name), StyleRole.TEXT))
                return self._state_row(form, node.state, name, (*self._about(self.entry), *_origin(node)))
            case GroupEntry(name=group, state=state):
                return self._state_row(form, state, ((one_line(group), StyleRole.MUTED),), ())
            case EndEntry():
                return self._ending_row(form, self.entry)
            case _:
                return EMPTY_ROW

    def _state_row(self, form: Format, state: RunState, name: Spans, about: Spans) -> Row:
        """A glyph and columns of which the last is on the right."""
        spans: list[Span] = [(form.glyphs.states[state], STATE_ROLES[state]), (" ", StyleRole.TEXT), *name]
        if text_of(about).strip():
            # Never wider than its column: what comes after it stands in line at every depth.
            spans[2:] = name = cut_spans(name, self.name_width - GAP, form.glyphs.ellipsis)
            spans += [(" " * (self.name_width - cells(text_of(name))), StyleRole.TEXT), *about]
        right = self.elapsed
        kept = cut_spans(tuple(spans), form.width - cells(right) - (2 if right else 0), form.glyphs.ellipsis)
        if not right:
            return Row(kept)
        space = form.width - cells(text_of(kept)) - cells(right)
        return Row((*kept, (" " * max(0, space), StyleRole.TEXT), (right, StyleRole.MUTED)))

    def _about(self, entry: NodeEntry) -> Spans:
        if entry.node.kind is NodeKind.TOOL_CALL:
            return (*self._about_call(entry.node, entry.is_told_below), *self._wait())
        return self._about_task(entry.node, entry.is_told_below)

    def _about_task(self, task: Node, is_told_below: bool) -> Spans:
        """Of a sub-agent as of a task that calls an agent."""
        kind = (task.type.ljust(KIND_WIDTH), StyleRole.MUTED)
        # What stands below a folded sub-agent is hidden.
        is_told = is_told_below and task.kind is not NodeKind.SUB_AGENT
        if task.state is RunState.FAILED and not self.is_unfolded and not is_told:
            return kind, (one_line(task.error), StyleRole.FAILED)
        attempt = f"  attempt {task.attempt}" if task.attempt > 1 else ""
        about = (clean(_detail(task).replace("\n", " ")), StyleRole.TEXT)
        return kind, about, (attempt, StyleRole.WAITING), *self._wait()

    def _about_call(self, call: Node, is_told_below: bool) -> Spans:
        todos = todos_of(call)
        arguments = (one_line(progress_of(todos)) if todos else arguments_line(call), StyleRole.TEXT)
        if call.state is RunState.FAILED:
            is_told = is_told_below or (self.is_unfolded and not is_short(call.error))
            return arguments, ("" if is_told else f"  {one_line(call.error)}", StyleRole.FAILED)
        if todos:
            return (arguments,)
        return arguments, (f"  {_size_of(call.output or '')}", StyleRole.MUTED)

    def _wait(self) -> Spans:
        return (("  ", StyleRole.TEXT), *self.waiting) if self.waiting else ()

    def _ending_row(self, form: Format, ending: EndEntry) -> Row:
        if ending.state is RunState.COMPLETED:
            spans: Spans = (("Output", StyleRole.MUTED),)
            summary = (("  ", StyleRole.TEXT), *value_line(ending.output))
        else:
            role = STATE_ROLES[ending.state]
            where = f" at {one_line(ending.cause)}" if ending.cause else ""
            spans = ((f"{form.glyphs.states[ending.state]} {ending.state}{where}", role),)
            summary = ((f"  {one_line(ending.error)}", role),)
        return Row(cut_spans(spans if self.is_unfolded else (*spans, *summary), form.width, form.glyphs.ellipsis))


def state_of(entry: Entry) -> RunState | None:
    match entry:
        case NodeEntry(node=node):
            return node.state
        case GroupEntry(state=state) | EndEntry(state=state):
            return state
        case _:
            return None


def elapsed_text(entry: Entry, now: datetime, ellipsis: str) -> str:
    """How long it took, to the millisecond; while it goes on, in whole seconds and with an ellipsis."""
    match entry:
        case NodeEntry(node=timed) | (GroupEntry() as timed):
            started, completed = timed.started_at, timed.completed_at
        case _:
            return ""
    if started is None:
        return ""
    if timed.state.is_final:
        return duration_text((completed - started).total_seconds()) if completed else ""
    seconds = max(0, int((now - started).total_seconds()))
    if seconds < 1:
        return ellipsis
    return f"{seconds} s {ellipsis}" if seconds < 60 else f"{duration_text(seconds)} {ellipsis}"


def is_short(error: str) -> bool:
    """Whether it stands in the first row, and so is not repeated below."""
    return len(error) <= SHORT_ERROR and "\n" not in error


def waiting_of(entry: Entry, now: datetime) -> Spans:
    return waiting_spans(entry.waiting, now) if isinstance(entry, NodeEntry) and entry.waiting else ()


def waiting_spans(wait: ModelWait, now: datetime) -> Spans:
    """`waiting for openai gpt-5-mini, 12 s`; nothing in the first second, in which most models begin."""
    seconds = max(0, int((now - wait.since).total_seconds())) if wait.since else 0
    if not wait.reason and seconds < 1:
        return ()
    elapsed = f", {seconds} s" if 0 < seconds < 60 else f", {duration_text(seconds)}" if seconds else ""
    reason = ((f"  {one_line(wait.reason)}", StyleRole.WAITING),) if wait.reason else ()
    return (f"waiting for {one_line(wait.model)}{elapsed}", StyleRole.MUTED), *reason


def speaker(speech: MessageEntry) -> Block:
    """Who says it, where that is to be named; and whether a model does."""
    lines: list[Spans] = [()] if speech.has_gap else []
    if speech.has_heading:
        is_scripted = speech.message.model == SCRIPTED
        label = f"  {SCRIPTED}" if is_scripted else ""
        name = REASONING if speech.message.is_reasoning else speech.message.role.value
        lines.append(((name, StyleRole.MUTED), (label, StyleRole.WAITING)))
    return CutLineBlock(tuple(lines))


def indent_at(depth: int, width: int) -> int:
    """Cells before an entry; from some depth on no more, so that there is room for its name."""
    return min(depth * INDENT, max(0, name_column(width) - MIN_NAME))


def name_column(width: int) -> int:
    """Cells from the beginning of a name at the top to the next column, which is the same at every depth."""
    return min(MAX_COLUMN, max(MIN_COLUMN, width // 5))


def _detail(node: Node) -> str:
    """Of a sub-agent that has none, what it was asked."""
    return node.detail or (str(node.input or "") if node.kind is NodeKind.SUB_AGENT else "")


def _origin(node: Node) -> Spans:
    return ((f"  {node.origin.kind}", StyleRole.MUTED),) if node.origin else ()


def arguments_line(call: Node) -> str:
    """What the call is about as it is, the others with their names."""
    if call.id == CHANGES:
        branch = one_line(str((call.input or {}).get("branch", "")))
        return f"{changes_text(call)}{f' on {branch}' if branch else ''}"
    shown: list[str] = []
    for name, text in call_arguments(call):
        short = one_line(text, 120)
        shown.append(f"{one_line(name)}={short}" if shown else short)
    return "  ".join(shown)


def _size_of(result: str) -> str:
    """A short result as it is, of a longer one how long it is."""
    text = result.strip()
    lines = text.count("\n") + 1
    return plural(lines, "line") if lines > 1 else one_line(text, 120)
