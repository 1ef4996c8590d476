"""Two runs, compared: their figures, their steps side by side, and how what they said and changed differs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from stigmer_tui.workbench.changed_files import CHANGES, ChangedFile, changed_files, changes_text
from stigmer_tui.workbench.differences import DifferenceLine, difference_lines
from stigmer_tui.workbench.entries import Entry, MessageEntry, NodeEntry, call_arguments, text_of
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind, RunState
from stigmer_tui.workbench.nodes import Node, NodeKind, Role
from stigmer_tui.workbench.run_figures import FigureRow, RunFigures, figure_rows, figures_of
from stigmer_tui.workbench.transcript import Transcript

MAX_STEPS = 2000
"""Of one run. What comes after them is not compared."""
MAX_LINES = 5000
"""Of one text, likewise."""


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody said, or a task or a tool call."""

    name: str
    about: str
    """In one line: the text, the arguments, or what a task is about."""
    content: str
    """All of it, also what it gave."""
    depth: int
    state: RunState | None
    """None for what was said."""
    seconds: float | None


@dataclass(frozen=True, slots=True)
class StepPair:
    """What stands in the same place of both runs; None where one of them has nothing there."""

    first: Step | None
    second: Step | None

    @property
    def is_same(self) -> bool:
        return self.first is not None and self.second is not None and self.first.content == self.second.content


@dataclass(frozen=True, slots=True)
class TextDifference:
    """How a text of the second run differs from that of the first."""

    title: str
    lines: tuple[DifferenceLine, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    first: Execution
    second: Execution
    figures: tuple[RunFigures, RunFigures]
    rows: tuple[FigureRow, ...]
    steps: tuple[StepPair, ...]
    left_out: int
    """Steps of both that were not compared, because there are too many."""
    differences: tuple[TextDifference, ...]
    """Of message, answer or output, error, and files; empty where all of these are the same."""

    @property
    def different_steps(self) -> int:
        return sum(not pair.is_same for pair in self.steps)


def compare_runs(first: Execution, second: Execution, now: datetime) -> Comparison:
    figures = figures_of(first, now), figures_of(second, now)
    one, other = list(_steps(first)), list(_steps(second))
    return Comparison(
        first,
        second,
        figures,
        tuple(figure_rows(*figures)),
        tuple(_aligned(one[:MAX_STEPS], other[:MAX_STEPS])),
        max(0, len(one) - MAX_STEPS) + max(0, len(other) - MAX_STEPS),
        tuple(_differences(first, second)),
    )


def answer_of(execution: Execution) -> str:
    """What came out of it: the output of a workflow, or what was said last."""
    if execution.output is not None:
        return _as_text(execution.output)
    said = (message for message in reversed(execution.messages()) if message.role in (Role.AGENT, Role.SYSTEM))
    return next((message.text for message in said if not message.is_reasoning), "")


def _steps(execution: Execution) -> Iterator[Step]:
    outline = Transcript(execution)
    outline.refresh()
    for entry in outline:
        if step := _step(entry):
            yield step


def _step(entry: Entry) -> Step | None:
    match entry:
        case MessageEntry(message=message):
            text = message.text
            return Step(message.role.value, " ".join(text.split()), text, entry.depth, None, None)
        case NodeEntry(node=node):
            about = _about_call(node) if node.kind is NodeKind.TOOL_CALL else node.detail
            name = f"{entry.prefix}{node.name}"
            return Step(name, " ".join(about.split()), text_of(entry), entry.depth, node.state, _seconds(node))
        case _:
            return None


def _about_call(call: Node) -> str:
    return changes_text(call) if call.id == CHANGES else " ".join(text for _, text in call_arguments(call))


def _seconds(node: Node) -> float | None:
    return (node.completed_at - node.started_at).total_seconds() if node.started_at and node.completed_at else None


def _aligned(first: Sequence[Step], second: Sequence[Step]) -> Iterator[StepPair]:
    """Steps of the same name stand side by side, in their order."""
    one_names, other_names = ([(step.depth, step.name) for step in steps] for steps in (first, second))
    matcher = SequenceMatcher(None, one_names, other_names, autojunk=False)
    for tag, start, end, other_start, other_end in matcher.get_opcodes():
        one, other = first[start:end], second[other_start:other_end]
        if tag == "equal":
            yield from map(StepPair, one, other)
        else:
            yield from (StepPair(step, None) for step in one)
            yield from (StepPair(None, step) for step in other)


def _differences(first: Execution, second: Execution) -> Iterator[TextDifference]:
    if ResourceKind.TASK not in (first.kind, second.kind):
        # That of a task names its agent; what the agent is told is a step.
        yield from _difference("Message", first.message, second.message)
    yield from _difference("Answer", answer_of(first), answer_of(second))
    yield from _difference("Error", first.error, second.error)
    files = [{file.path: file for file in changed_files(execution)} for execution in (first, second)]
    for path in sorted(files[0].keys() | files[1].keys()):
        one, other = (found.get(path) for found in files)
        title = f"{path}  {_numbers(one)} ⇄ {_numbers(other)}"
        yield from _difference(title, *("\n".join(file.lines) if file else "" for file in (one, other)))


def _difference(title: str, first: str, second: str) -> Iterator[TextDifference]:
    one, other = (text.splitlines()[:MAX_LINES] for text in (first, second))
    if one != other:
        yield TextDifference(title, tuple(difference_lines(one, other)))


def _numbers(file: ChangedFile | None) -> str:
    return f"+{file.insertions} −{file.deletions}" if file else "unchanged"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
