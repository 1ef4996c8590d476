"""Pictures of the whole screen, as it stands in each of its states and sizes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from stigmer_tui.workbench.state import WorkbenchState
from tests.tui import states
from tests.tui.hands import press, settle
from tests.tui.stage import StagedApp

WIDE, MEDIUM, NARROW = (160, 48), (120, 40), (80, 24)

Steps = Callable[[Pilot[int]], Awaitable[None]]


class Compare(Protocol):
    def __call__(self, app: StagedApp, *, terminal_size: tuple[int, int], run_before: Any = None) -> bool: ...


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same terminal, in the same place of the world, everywhere."""
    for name in ("NO_COLOR", "STIGMER_THEME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def pressing(*keys: str) -> Steps:
    async def steps(pilot: Pilot[int]) -> None:
        # Until the picker has the keys.
        await settle(pilot)
        await press(pilot, *keys)
        # The palette looks for its lines in a worker.
        await pilot.app.workers.wait_for_complete()
        await settle(pilot)

    return steps


STATES: dict[str, Callable[[], WorkbenchState]] = {
    "listed": lambda: states.LISTED,
    "running": states.running_workflow,
    "failed": states.failed_agent,
    "broken-code": states.broken_code,
}


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("size", [WIDE, MEDIUM, NARROW], ids=["wide", "medium", "narrow"])
def test_sizes(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    keys = ("2",) if name != "listed" else ()
    assert snap_compare(StagedApp(STATES[name]()), terminal_size=size, run_before=pressing(*keys))


@pytest.mark.parametrize(
    "state",
    [
        states.broken_from_the_start,
        states.starting_daemon,
        states.broken_daemon,
        states.unreachable_server,
        states.lost_daemon,
        states.empty_project,
        states.outside,
        states.odd_names,
    ],
)
def test_states(snap_compare: Compare, state: Callable[[], WorkbenchState]) -> None:
    assert snap_compare(StagedApp(state()), terminal_size=MEDIUM)


KEYS = {
    "filter": (("/", *"tal"), MEDIUM),
    "filter-without-matches": (("/", *"nix"), NARROW),
    "tasks": (("2", "t"), WIDE),
    "unfolded": (("2", "k", "k", "k", "k", "enter"), MEDIUM),
    "sidebar-beside-the-pane": (("]",), MEDIUM),
    "picker-folded": (("[",), WIDE),
    "daemon": (("3",), NARROW),
    "help": (("?",), NARROW),
    "help-filtered": (("?", *"copy"), MEDIUM),
    "palette": (("ctrl+p",), MEDIUM),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys(snap_compare: Compare, name: str) -> None:
    keys, size = KEYS[name]
    assert snap_compare(StagedApp(states.running_workflow()), terminal_size=size, run_before=pressing(*keys))


@pytest.mark.parametrize("size", [MEDIUM, NARROW], ids=["medium", "narrow"])
def test_run_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    app = StagedApp(states.LISTED, {"settle-orders": states.SETTLE_INPUT})
    steps = pressing("down", "e", *"s3c")
    assert snap_compare(app, terminal_size=size, run_before=steps)


def test_run_form_with_something_missing(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(states.LISTED), terminal_size=MEDIUM, run_before=pressing("down", "enter", "enter"))


def test_quit_with_a_live_run(snap_compare: Compare) -> None:
    app = StagedApp(states.running_workflow())
    app.stage.unfinished_runs = [states.RUNS[0]]
    assert snap_compare(app, terminal_size=MEDIUM, run_before=pressing("q"))


@pytest.mark.parametrize("state", [states.running_workflow, states.broken_code], ids=["running", "broken-code"])
def test_light(snap_compare: Compare, state: Callable[[], WorkbenchState], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_THEME", "stigmer-light")
    assert snap_compare(StagedApp(state()), terminal_size=WIDE)


def test_run_form_in_the_light(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STIGMER_THEME", "stigmer-light")
    assert snap_compare(StagedApp(states.LISTED), terminal_size=MEDIUM, run_before=pressing("down", "enter"))


def test_without_colours(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(StagedApp(states.running_workflow()), terminal_size=MEDIUM, run_before=pressing("2", "k"))


def test_too_small(snap_compare: Compare) -> None:
    assert snap_compare(StagedApp(states.LISTED), terminal_size=(38, 11))
