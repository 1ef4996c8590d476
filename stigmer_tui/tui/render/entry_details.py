"""What an unfolded entry shows below its first row."""

from __future__ import annotations

from dataclasses import dataclass

from stigmer_tui.core.json_values import from_json
from stigmer_tui.core.units import count_text
from stigmer_tui.tui.render.blocks import Block, Format, LineBlock, cut_spans, indented
from stigmer_tui.tui.render.cells import clean_lines, one_line, wrap
from stigmer_tui.tui.render.code import Code
from stigmer_tui.tui.render.entry_heading import is_short
from stigmer_tui.tui.render.glyphs import STATE_ROLES
from stigmer_tui.tui.render.styled_rows import Row, StyleRole, text_of
from stigmer_tui.tui.render.values import ValueLine, value_lines
from stigmer_tui.workbench.changed_files import CHANGES
from stigmer_tui.workbench.entries import EndEntry, Entry, NodeEntry, raw_arguments
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKind
from stigmer_tui.workbench.todos import Todo, todos_of

PIECE_SIZE = 40
"""Lines of a long text or value that are drawn together."""

MAX_LINE_LENGTH = 4000
"""Characters. What goes on longer without an end goes on in a new row."""

OUTPUT_LINES = 6
"""Of a call that runs and is folded."""

MAX_JSON_LENGTH = 200_000
"""Characters. A longer result is shown as the text that it is."""


@dataclass(frozen=True, slots=True)
class ValueLines:
    """Lines of a value: those of a text wrap below their beginning, all others are cut."""

    lines: tuple[ValueLine, ...]
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        return [row for line in self.lines for row in self._rows(line, form)]

    def guess(self, width: int) -> int:
        return sum(1 + (len(text_of(line.spans)) // width if line.is_text else 0) for line in self.lines)

    def _rows(self, line: ValueLine, form: Format) -> list[Row]:
        if not line.is_text:
            return [Row(cut_spans(line.spans, form.width, form.glyphs.ellipsis))]
        indent, *text = line.spans
        rows = [Row(spans) for spans in wrap(text, max(1, form.width - len(indent[0])))]
        return indented(rows, (indent,), (indent,))


@dataclass(frozen=True, slots=True)
class TodoLines:
    """Things to do, each below the sign of its state."""

    todos: tuple[Todo, ...]
    has_gap: bool = False

    def rows(self, form: Format) -> list[Row]:
        return [row for todo in self.todos for row in self._rows(todo, form)]

    def guess(self, width: int) -> int:
        return len(self.todos)

    def _rows(self, todo: Todo, form: Format) -> list[Row]:
        is_over = todo.state in (RunState.COMPLETED, RunState.CANCELLED)
        text = ((one_line(todo.content, MAX_LINE_LENGTH), StyleRole.MUTED if is_over else StyleRole.TEXT),)
        sign = (f"{form.glyphs.states[todo.state]} ", STATE_ROLES[todo.state])
        rows = [Row(spans) for spans in wrap(text, max(1, form.width - 2))]
        return indented(rows, (sign,), (("  ", StyleRole.TEXT),))


def details(entry: Entry) -> list[Block]:
    """An error first, then sections, each under its name."""
    match entry:
        case NodeEntry(node=node):
            return _details_of_call(node) if node.kind is NodeKind.TOOL_CALL else _details_of_task(node)
        case EndEntry():
            role = StyleRole.FAILED if entry.state is RunState.FAILED else StyleRole.TEXT
            return [*plain_text(entry.error, role), *_value(entry.output)]
        case _:
            return []


def running_output(entry: Entry) -> list[Block]:
    """The last lines that a call has put out which still runs: shown also while it is folded."""
    if not isinstance(entry, NodeEntry) or entry.node.kind is not NodeKind.TOOL_CALL:
        return []
    node = entry.node
    if node.state is not RunState.RUNNING or not node.output:
        return []
    lines = str(node.output).rstrip("\n").rsplit("\n", OUTPUT_LINES)[-OUTPUT_LINES:]
    return plain_text("\n".join(lines), StyleRole.MUTED)


def _details_of_task(task: Node) -> list[Block]:
    error = plain_text(task.error, StyleRole.FAILED)
    if task.kind is not NodeKind.SUB_AGENT:
        return _sections(error, input=_value(task.input), output=_value(task.output))
    # What it says last is its output, and stands below if what it says is known.
    output = "" if task.child else str(task.output or "")
    return _sections(
        error, input=plain_text(str(task.input or ""), StyleRole.TEXT), output=plain_text(output, StyleRole.TEXT)
    )


def _details_of_call(call: Node) -> list[Block]:
    if todos := todos_of(call):
        return [*plain_text(call.error, StyleRole.FAILED), TodoLines(todos)]
    if call.id == CHANGES and isinstance(call.input, dict):
        commits = "\n".join(map(str, call.input.get("commits", ())))
        return _sections([], commits=plain_text(commits, StyleRole.TEXT), patch=_patch(str(call.output or "")))
    raw = raw_arguments(call)
    arguments = plain_text(raw, StyleRole.TEXT) if raw is not None else _value(call.input or None)
    error = [] if is_short(call.error) else plain_text(call.error, StyleRole.FAILED)
    if call.state is RunState.RUNNING:
        left_out = f"… {count_text(call.left_out)} characters left out …\n" if call.left_out else ""
        return _sections(error, arguments=arguments, output=plain_text(f"{left_out}{call.output}", StyleRole.TEXT))
    return _sections(error, arguments=arguments, result=_result(call.output or ""))


def has_details(entry: Entry) -> bool:
    match entry:
        case NodeEntry(node=node) if node.kind is NodeKind.TOOL_CALL:
            return bool(node.error or node.input or node.output)
        case NodeEntry(node=node):
            return bool(node.error) or node.input is not None or node.output is not None
        case EndEntry():
            return bool(entry.error) or entry.output is not None
        case _:
            return False


def _sections(pieces: list[Block], **sections: list[Block]) -> list[Block]:
    for name, body in sections.items():
        if body:
            pieces += [LineBlock((name,), StyleRole.MUTED, has_gap=bool(pieces)), *body]
    return pieces


def plain_text(text: str, role: StyleRole) -> list[Block]:
    """A text as it is, in pieces that are drawn one by one."""
    if not text:
        return []
    lines = [
        line[start : start + MAX_LINE_LENGTH]
        for line in clean_lines(text.strip("\n"))
        for start in range(0, max(1, len(line)), MAX_LINE_LENGTH)
    ]
    return [LineBlock(tuple(lines[start : start + PIECE_SIZE]), role) for start in range(0, len(lines), PIECE_SIZE)]


def _value(value: object) -> list[Block]:
    if value is None:
        return []
    lines = value_lines(value)
    return [ValueLines(tuple(lines[start : start + PIECE_SIZE])) for start in range(0, len(lines), PIECE_SIZE)]


def _patch(text: str) -> list[Block]:
    lines = [line[:MAX_LINE_LENGTH] for line in clean_lines(text.strip("\n"))]
    return [Code("diff", tuple(lines[start : start + PIECE_SIZE])) for start in range(0, len(lines), PIECE_SIZE)]


def _result(text: str) -> list[Block]:
    """What a tool returned: a JSON object or list as such, everything else as lines."""
    if text[:1] in ("{", "[") and len(text) <= MAX_JSON_LENGTH:
        try:
            return _value(from_json(text))
        except ValueError:
            pass
    return plain_text(text, StyleRole.TEXT)
