"""A view of a run is one entry: its tab, key, place in the palette and in the help, and what the pane shows follow."""

from __future__ import annotations

from stigmer_tui.tui.commands import BY_ID, Place
from stigmer_tui.tui.run_views import VIEWS, RunView
from stigmer_tui.workbench.execution_tree import Execution
from stigmer_tui.workbench.model import ResourceKind
from stigmer_tui.workbench.outline import Outline
from stigmer_tui.workbench.state import WorkbenchState
from tests.facts.sources import files_with


def test_each_view_is_there_once() -> None:
    assert len({view.id for view in VIEWS}) == len({view.label for view in VIEWS}) == len(VIEWS)


def test_each_view_is_a_command() -> None:
    for view in VIEWS:
        command = BY_ID[f"pane.{view.id}"]
        assert (command.place, command.keys, command.help) == (Place.PANE, view.key, view.help)
        assert command.label and command.title


def test_each_view_shows_a_run_and_says_when_it_is_empty() -> None:
    execution = Execution(ResourceKind.WORKFLOW, "wfx_1", "tally")
    for view in VIEWS:
        assert isinstance(view.outline(execution), Outline)
        assert view.empty(execution)
        assert not view.when(WorkbenchState())


CALLED_ALIKE = {"stigmer_tui/tui/render/picker.py", "stigmer_tui/tui/render/preview.py"}


def test_a_view_is_named_in_one_file() -> None:
    """But for the group of tasks in the picker and the tasks in a preview, which are called like the tree of tasks."""

    def names(view: RunView) -> set[str]:
        return set(files_with(f"""["']{view.label}["']""")) - CALLED_ALIKE

    assert [names(view) for view in VIEWS] == [{"stigmer_tui/tui/run_views.py"}] * len(VIEWS)
