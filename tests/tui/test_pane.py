"""What stands above the entries of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.pane import title_rows, waiting_row
from stigmer_tui.tui.render.styled_rows import text_of
from stigmer_tui.tui.run_views import VIEWS
from stigmer_tui.tui.widgets.viewport import Viewport
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import Resource, ResourceKind, RunState
from stigmer_tui.workbench.nodes import ModelWait
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.state import ShownRun
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from stigmer_tui.workbench.usage import ModelCall, Usage
from tests.tui.host import FixedClock
from tests.tui.rows import text, window_text
from tests.tui.samples import START, at
from tests.workbench.trees import change, node, put, task


@pytest.mark.parametrize(
    ("states", "summary"),
    [
        ([RunState.COMPLETED], "1 task completed"),
        ([RunState.COMPLETED] * 12, "12 tasks completed"),
        ([RunState.COMPLETED] * 11 + [RunState.SKIPPED], "11 completed · 1 skipped"),
        ([RunState.COMPLETED, RunState.PENDING, RunState.FAILED], "1 completed · 1 failed · 1 not reached"),
    ],
)
def test_the_summary_of_a_workflow_adds_up(states: list[RunState], summary: str) -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.COMPLETED)
    change(execution, started_at=START, completed_at=at(1.2))
    for number, state in enumerate(states):
        put(execution, task(f"/{number}", str(number), "set", state))
    shown = ShownRun(execution, Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally"))
    first, second = text(title_rows(shown, 60, UNICODE, at(4))).split("\n")
    assert first.split() == ["tally", "✓", "completed", "1.2", "s"]
    assert second.startswith(f"{summary}  ")


def test_why_there_was_a_run_stays_when_it_has_ended() -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.FAILED, error="/fetch failed: 404")
    put(execution, task("/fetch", "fetch", "http", RunState.FAILED, error="404"))
    resource = Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally")
    shown = ShownRun(execution, resource, number=2, why="main.py changed (+1 −1)")
    second = text(title_rows(shown, 80, UNICODE, at(4))).split("\n")[1]
    assert second.startswith("run 2 · main.py changed (+1 −1) · 1 failed")


def test_what_a_conversation_has_used_stands_beside_what_its_last_run_has() -> None:
    first, second = (
        Execution(ResourceKind.AGENT, f"agx_{number}", "clerk", state=RunState.COMPLETED, session="ses_1")
        for number in (1, 2)
    )
    change(first, usage=Usage((ModelCall("turn/0", "m", input_tokens=900, output_tokens=100, cost=0.25),)))
    change(second, usage=Usage((ModelCall("turn/0", "m", input_tokens=400, output_tokens=100, cost=0.5),)))
    shown = ShownRun(second, Resource(ResourceKind.AGENT, "agt_1", "clerk", "clerk"), earlier=(first,))
    row = text(title_rows(shown, 120, UNICODE, at(4))).split("\n")[1]
    assert row.startswith("turn 2 · 0 messages · 500 tokens · $0.5000 · session 1.5 k tokens, $0.7500")
    alone = text(title_rows(replace(shown, earlier=()), 120, UNICODE, at(4)))
    assert "session" not in alone


def test_a_run_of_which_nothing_is_known_is_not_said_to_run() -> None:
    """Point 24: with the daemon stopped, nothing counts up."""
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.RUNNING, started_at=START)
    shown = ShownRun(execution, Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally"))
    first = text(title_rows(shown, 60, UNICODE, at(400), is_connected=False)).split("\n")[0]
    assert first.split() == ["tally", "running", "when", "last", "seen"]


@pytest.mark.parametrize(
    ("seconds", "reason", "row"),
    [
        (0.5, "", ""),
        (12.4, "", "▸ waiting for openai gpt-5-mini, 12 s"),
        (75, "", "▸ waiting for openai gpt-5-mini, 1 m 15 s"),
        (0.5, "rate limited (429), retry in 2 s", "▸ waiting for openai gpt-5-mini  rate limited (429), retry in 2 s"),
    ],
)
def test_what_a_silent_agent_waits_for(seconds: float, reason: str, row: str) -> None:
    """Point 24: the pane is not blank while a model says nothing."""
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.RUNNING, started_at=START)
    change(execution, waiting=ModelWait("openai gpt-5-mini", START, reason))
    assert text_of(waiting_row(execution, at(seconds), UNICODE)) == row


@pytest.mark.parametrize(
    ("kind", "state", "texts"),
    [
        (ResourceKind.AGENT, RunState.COMPLETED, ("Nothing was said or done in this run", "No tool calls in this run")),
        (ResourceKind.WORKFLOW, RunState.FAILED, ("Nothing was said or done in this run", "No tasks in this run")),
        (ResourceKind.AGENT, RunState.RUNNING, ("Waiting for the first event of this run …", "No tool calls yet")),
        (ResourceKind.WORKFLOW, RunState.RUNNING, ("Waiting for the first event of this run …", "No tasks yet")),
    ],
)
def test_what_is_not_there_yet_and_what_never_was(kind: ResourceKind, state: RunState, texts: tuple[str, str]) -> None:
    """Point 24: nothing is announced for a run that has ended."""
    execution = Execution(kind, "x_1", "helper", state=state)
    assert tuple(view.empty(execution) for view in VIEWS) == texts


def test_an_error_is_shown_once() -> None:
    """Point 24: where the task shows it, neither the title nor the end of the transcript repeats it."""
    error = "GET 127.0.0.1:1/item.json: connection refused (5 attempts)"
    execution = Execution(
        ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.FAILED, error=f"/fetch failed: {error}"
    )
    change(execution, started_at=START)
    put(execution, task("/fetch", "fetch", "http", RunState.FAILED, error=error, started_at=START))
    shown = ShownRun(execution, Resource(ResourceKind.WORKFLOW, "wf_1", "tally", "tally"))
    for view in VIEWS:
        outline = view.outline(execution)
        title = text(title_rows(shown, 90, UNICODE, at(4), error=view.error(execution)))
        assert f"{title}\n{window_text_of(outline)}".count(error) == 1
    assert "✗ failed at fetch" in window_text_of(Transcript(execution))


def test_an_error_that_no_task_shows_is_in_the_title_of_the_tree() -> None:
    execution = Execution(ResourceKind.AGENT, "agx_1", "helper", state=RunState.FAILED, error="quota exceeded")
    assert VIEWS[0].error(execution) == ""
    assert VIEWS[1].error(execution) == "quota exceeded"


def window_text_of(outline: Outline) -> str:
    window = Viewport(outline, FixedClock(), UNICODE)
    window.resize(90, 40)
    window.update()
    return window_text(window)


def test_the_error_of_a_task_in_loops_is_shown_once() -> None:
    """Point 24: the loops around it have failed as well, and say nothing of their own."""
    error = "GET 127.0.0.1:1/x: connection refused"
    inner, outer = f"index 0: /outer/0/inner/0/ask failed: {error}", "index 0: /outer/0/inner failed: "
    execution = Execution(
        ResourceKind.WORKFLOW, "wfx_1", "tally", state=RunState.FAILED, error=f"/outer failed: {error}"
    )
    put(execution, task("/outer", "outer", "for", RunState.RUNNING, detail="1 of 2", started_at=START))
    put(execution, task("/outer/0/inner", "inner", "for", RunState.RUNNING, "/outer", "1 of 3", started_at=START))
    ask = task("/outer/0/inner/0/ask", "ask", "http", RunState.FAILED, "/outer/0/inner", error=error, started_at=START)
    put(execution, ask)
    for failed, text_of_error in (("/outer/0/inner", inner), ("/outer", outer + inner)):
        put(execution, replace(node(execution, failed), state=RunState.FAILED, error=text_of_error))
    for outline in (Transcript(execution), TaskTree(execution)):
        seen = window_text_of(outline)
        assert seen.count(error) == 1
        assert "1 of 2" in seen
    assert "✗ failed at ask" in window_text_of(Transcript(execution))
