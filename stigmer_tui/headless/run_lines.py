"""What happens in an execution, as lines: the tasks of all its runs as they start and end, and what is said and done in
its conversations. What was printed is never printed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import NamedTuple

from stigmer_tui.headless.conversation_lines import LABELS, ConversationLines, LineWriter
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import Node, NodeKey, NodeKind

TASK_ENDS = {
    RunState.COMPLETED: ("✓", "Completed"),
    RunState.FAILED: ("✗", "Failed"),
    RunState.CANCELLED: ("⊘", "Cancelled"),
    RunState.SKIPPED: ("⊘", "Skipped"),
}

INDENT = "   "

LATEST = datetime.max.replace(tzinfo=UTC)


class _Step(NamedTuple):
    """Sorts as things happened: by time, and within a moment as the tasks follow each other."""

    at: datetime
    place: tuple[float, ...]
    lines: tuple[str, ...]

    @property
    def is_end(self) -> bool:
        return self.place[-1] == inf


class _Below(NamedTuple):
    """What is to be printed of something that happens in a conversation: after what is around it."""

    place: tuple[float, ...]
    print: Callable[[], None]


class RunLines:
    def __init__(self, execution: Execution, lines: LineWriter) -> None:
        self.execution = execution
        self._lines = lines
        self._conversations: dict[NodeKey, ConversationLines] = {}
        self._states: dict[NodeKey, RunState] = {}
        self._below: list[_Below] = []
        self._running = False
        self._seen = -1

    def update(self) -> None:
        """Prints what has happened since the last time."""
        execution = self.execution
        if not self._running and execution.state is not RunState.PENDING:
            self._running = True
            self._lines.line("▶️  Execution started")
        parts = execution.changed_since(self._seen)
        self._seen = execution.revision
        nodes = {part.key: execution.node(part.key) for part in parts}
        tasks = [key for key, node in nodes.items() if node.kind is NodeKind.TASK]
        below = (each for key, node in nodes.items() for each in self._steps_below(key, node))
        self._below = sorted(below, key=lambda each: each.place)
        for step in sorted(step for key in tasks for step in self._steps(key)):
            if step.is_end:
                self._print_below(step.place[:-1])
            self._print_lines(step.lines)
        self._print_below(())

    def _steps(self, key: NodeKey) -> Iterator[_Step]:
        """What happened to a task since it was last looked at."""
        task = self.execution.node(key)
        before = self._states.get(key, RunState.PENDING)
        self._states[key] = task.state
        if task.state is before:
            return
        place, indent = self.execution.place(key), _indent(self.execution, key)
        name = task.id.strip("/") if task.parent else task.name
        if before is RunState.PENDING and task.state is not RunState.SKIPPED:
            yield _Step(task.started_at or LATEST, place, (f"{indent}⚙️ Task: {name} [Running]",))
        if task.state in TASK_ENDS:
            # After everything within the task, before whatever follows it.
            yield _Step(task.completed_at or LATEST, (*place, inf), _end_lines(task, f"Task: {name}", indent))

    def _steps_below(self, key: NodeKey, node: Node) -> Iterator[_Below]:
        """What happened in a conversation: what was said, and what stands below another node than the run itself."""
        place = self.execution.place(key)
        if node.kind is NodeKind.RUN:
            yield _Below(place, self._conversation(key).update)
        elif (node.kind is NodeKind.TOOL_CALL and not node.parent) or self._is_named(key, node):
            # It may have ended, and the run say no more.
            yield _Below(self.execution.place(key[:-1]), self._conversation(key[:-1]).update)
        elif node.kind in LABELS:
            before = self._states.get(key)
            self._states[key] = node.state
            indent, (icon, noun) = _indent(self.execution, key), LABELS[node.kind]
            if before is None:
                yield _Below(place, partial(self._print_lines, [f"{indent}{icon} {noun}: {node.name} [Running]"]))
            if node.state in TASK_ENDS and node.state is not before:
                lines = _end_lines(node, f"{noun}: {node.name}", indent)
                yield _Below((*place, inf), partial(self._print_lines, lines))

    def _is_named(self, key: NodeKey, node: Node) -> bool:
        """Whether it is a sub-agent that a message names."""
        return node.kind is NodeKind.SUB_AGENT and not node.parent and self._conversation(key[:-1]).names(key[-1])

    def _conversation(self, run: NodeKey) -> ConversationLines:
        if run not in self._conversations:

            def print_below(key: NodeKey) -> None:
                self._print_below(self.execution.place(key))

            indent = _indent(self.execution, run)
            self._conversations[run] = ConversationLines(self.execution, run, self._lines, indent, print_below)
        return self._conversations[run]

    def _print_below(self, place: tuple[float, ...]) -> None:
        """What has not been printed of what happened in the node of a place."""
        size = len(place)
        while (below := next((each for each in self._below if each.place[:size] == place), None)) is not None:
            self._below.remove(below)
            below.print()

    def _print_lines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._lines.line(line)


def _indent(execution: Execution, key: NodeKey) -> str:
    """One for each run, call and sub-agent around a node, or around what is in a run; tasks have paths for names."""
    around = [key, *execution.ancestors(key)] if execution.node(key).kind is NodeKind.RUN else execution.ancestors(key)
    return INDENT * sum(_indents(execution, each) for each in around)


def _indents(execution: Execution, key: NodeKey) -> bool:
    """A run that a call or a sub-agent stands for is one with it."""
    match execution.node(key).kind:
        case NodeKind.TASK:
            return False
        case NodeKind.RUN:
            return len(key) > 1 and execution.node(key[:-1]).kind is NodeKind.TASK
        case _:
            return True


def _end_lines(node: Node, label: str, indent: str) -> tuple[str, ...]:
    sign, word = TASK_ENDS[node.state]
    error = (f"{indent}  {node.error}",) if node.error else ()
    return (f"{indent}{sign} {label} [{word}]", *error)
