"""What stands above the entries of a run."""

from __future__ import annotations

import pytest

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.pane import title_rows
from stigmer_tui.workbench.model import Execution, Resource, ResourceKind, State, Task
from stigmer_tui.workbench.state import ShownRun
from tests.tui.rows import text
from tests.tui.samples import START, at


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        ([State.COMPLETED], "1 task completed"),
        ([State.COMPLETED] * 12, "12 tasks completed"),
        ([State.COMPLETED] * 11 + [State.SKIPPED], "11 completed · 1 skipped"),
        ([State.COMPLETED, State.PENDING, State.FAILED], "1 completed · 1 failed · 1 not reached"),
    ],
)
def test_the_summary_of_a_workflow_adds_up(states: list[State], summary: str) -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=State.COMPLETED)
    execution.started_at, execution.completed_at = START, at(1.2)
    for number, state in enumerate(states):
        execution.put_task(Task(f"/{number}", str(number), "set", state))
    shown = ShownRun(execution, Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally"))
    first, second = text(title_rows(shown, 60, UNICODE, at(4))).split("\n")
    assert first.split() == ["tally", "✓", "completed", "1.2", "s"]
    assert second.startswith(f"{summary}  ")


def test_why_there_was_a_run_stays_when_it_has_ended() -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=State.FAILED, error="/fetch failed: 404")
    resource = Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally")
    shown = ShownRun(execution, resource, number=2, why="main.py changed (+1 −1)")
    second = text(title_rows(shown, 80, UNICODE, at(4))).split("\n")[1]
    assert second.startswith("run 2 · main.py changed (+1 −1) · /fetch failed: 404")
