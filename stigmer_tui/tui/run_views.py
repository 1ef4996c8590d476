"""The views of a run: tabs, keys, palette and help are made from this table, and the pane shows what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stigmer_tui.tui.render.pane import empty_tasks, empty_transcript, error_beside_tasks
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.state import WorkbenchState
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript


def _has_run(state: WorkbenchState) -> bool:
    return state.shown is not None


def _no_error(execution: Execution) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class RunView:
    id: str
    label: str
    """On its tab."""
    key: str
    """Shows it. Views may share one, which then leads from each to the next."""
    help: str
    outline: Callable[[Execution], Outline]
    """Its entries, which follow the run."""
    empty: Callable[[Execution], str]
    """What stands where there are no entries."""
    error: Callable[[Execution], str] = _no_error
    """The error of a run that no entry of this view shows; it is in the title."""
    when: Callable[[WorkbenchState], bool] = _has_run
    """Whether it can be shown."""
    is_of_conversation: bool = False
    """Whether the whole conversation of an agent is shown, not only its last run."""


VIEWS = (
    RunView(
        "transcript", "Transcript", "t", "Show the transcript", Transcript, empty_transcript, is_of_conversation=True
    ),
    RunView("tasks", "Tasks", "t", "Show the tree of tasks", TaskTree, empty_tasks, error_beside_tasks),
)
"""In the order of their tabs; the first one is shown first."""
