"""A few pictures of the list of entries: sizes, themes, and what it looks like with nothing in it."""

from __future__ import annotations

from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.outline import Nothing, Outline
from stigmer_tui.workbench.task_tree import TaskTree
from stigmer_tui.workbench.transcript import Transcript
from tests.tui.hands import press
from tests.tui.host import Host
from tests.tui.samples import agent_execution, workflow_execution


class Compare(Protocol):
    def __call__(self, app: Host, *, terminal_size: tuple[int, int], run_before: Any = None) -> bool: ...


SMALL, LARGE = (80, 24), (160, 48)


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same terminal everywhere."""
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


async def select_two_up(pilot: Pilot[None]) -> None:
    await press(pilot, "k", "k")


@pytest.mark.parametrize(
    ("outline", "size", "theme"),
    [
        (Transcript(agent_execution()), LARGE, "textual-dark"),
        (Transcript(agent_execution(RunState.FAILED)), SMALL, "textual-light"),
        (Transcript(workflow_execution()), SMALL, "textual-dark"),
        (Transcript(workflow_execution()), LARGE, "textual-light"),
        (TaskTree(workflow_execution()), SMALL, "ansi-dark"),
    ],
    ids=["agent-large-dark", "agent-small-light", "workflow-small-dark", "workflow-large-light", "tasks-small-ansi"],
)
def test_entries(snap_compare: Compare, outline: Outline, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Host(outline, theme=theme), terminal_size=size, run_before=select_two_up)


def test_nothing(snap_compare: Compare) -> None:
    assert snap_compare(Host(Nothing()), terminal_size=SMALL)


def test_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(Host(Transcript(workflow_execution())), terminal_size=SMALL, run_before=select_two_up)
