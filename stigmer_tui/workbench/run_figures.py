"""What a run took and did, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from stigmer_tui.core.units import count_text, duration_text
from stigmer_tui.workbench.changed_files import CHANGES, changed_files
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.nodes import NodeKind, Role
from stigmer_tui.workbench.usage import cost_text, usage_of_all


@dataclass(frozen=True, slots=True)
class RunFigures:
    """With those of the runs that it has started; None is not known, or is no figure of such a run."""

    state: RunState
    seconds: float | None
    model_calls: int | None
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    """US dollars."""
    messages: int
    tool_calls: int
    tasks: int
    failed_steps: int
    commits: int | None
    files: int
    insertions: int
    deletions: int


def figures_of(execution: Execution, now: datetime) -> RunFigures:
    """As of now, if it still goes on."""
    nodes = [node for _, node in execution.nodes()]
    runs = [key for key, node in execution.nodes() if node.kind is NodeKind.RUN]
    usage = usage_of_all(node.usage for node in nodes)
    end = execution.completed_at or now
    changes, files = execution.find((execution.id, CHANGES)), changed_files(execution)
    steps = [node for node in nodes if node.kind is not NodeKind.RUN and node is not changes]
    return RunFigures(
        state=execution.state,
        seconds=(end - execution.started_at).total_seconds() if execution.started_at else None,
        model_calls=len(usage.calls) or None,
        input_tokens=usage.input_tokens if usage.is_counted else None,
        output_tokens=usage.output_tokens if usage.is_counted else None,
        cost=usage.cost if usage.is_counted else None,
        messages=sum(message.role is not Role.TOOL for run in runs for message in execution.messages(run)),
        tool_calls=sum(node.kind in (NodeKind.TOOL_CALL, NodeKind.SUB_AGENT) for node in steps),
        tasks=sum(node.kind is NodeKind.TASK for node in steps),
        failed_steps=sum(node.state is RunState.FAILED for node in steps),
        commits=len(changes.input.get("commits", ())) if changes and isinstance(changes.input, dict) else None,
        files=len(files),
        insertions=sum(file.insertions for file in files),
        deletions=sum(file.deletions for file in files),
    )


class FigureRow(NamedTuple):
    name: str
    first: str
    second: str
    difference: str
    """Of the second from the first; empty where there is none."""


class _Figure(NamedTuple):
    name: str
    value: Callable[[RunFigures], Any]
    text: Callable[[Any], str] = str


FIGURES = (
    _Figure("time", lambda run: run.seconds, duration_text),
    _Figure("model calls", lambda run: run.model_calls),
    _Figure("tokens in", lambda run: run.input_tokens, count_text),
    _Figure("tokens out", lambda run: run.output_tokens, count_text),
    _Figure("cost", lambda run: run.cost, cost_text),
    _Figure("messages", lambda run: run.messages or None),
    _Figure("tool calls", lambda run: run.tool_calls or None),
    _Figure("tasks", lambda run: run.tasks or None),
    _Figure("failed steps", lambda run: run.failed_steps or None),
    _Figure("commits", lambda run: run.commits),
    _Figure("files changed", lambda run: run.files or None),
    _Figure("lines added", lambda run: run.insertions or None),
    _Figure("lines removed", lambda run: run.deletions or None),
)


def figure_rows(first: RunFigures, second: RunFigures) -> Iterator[FigureRow]:
    """Those that at least one of them has."""
    yield FigureRow("state", str(first.state), str(second.state), "")
    for name, value, text in FIGURES:
        one, other = value(first), value(second)
        if one is not None or other is not None:
            yield FigureRow(name, _text(one, text), _text(other, text), _difference(one, other, text))


def _text(value: Any, text: Callable[[Any], str]) -> str:
    return "–" if value is None else text(value)


def _difference(one: Any, other: Any, text: Callable[[Any], str]) -> str:
    if one is None or other is None or one == other:
        return ""
    return f"{'+' if other > one else '−'}{text(abs(other - one))}"
