"""What is said of processes that go and come back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from stigmer_tui import __version__
from stigmer_tui.workbench.daemon_events import DaemonEvents
from stigmer_tui.workbench.daemon_state import Component, ComponentState, DaemonState
from stigmer_tui.workbench.state import Level

START = datetime(2026, 1, 1, tzinfo=UTC)


def daemon(
    state: ComponentState = ComponentState.READY, restarts: int = 0, detail: str = "", server: int = 1
) -> DaemonState:
    runner = Component("agent-runner", state, pid=2, restarts=restarts, detail=detail)
    return DaemonState(connected=True, components=(Component("server", ComponentState.READY, pid=server), runner))


def told(*states: DaemonState) -> list[list[tuple[str, Level]]]:
    """For each state, which come a second apart."""
    news = DaemonEvents()
    return [news.take(state, START + timedelta(seconds=number)) for number, state in enumerate(states)]


def test_nothing_is_said_of_a_daemon_that_starts() -> None:
    assert told(DaemonState(), daemon(ComponentState.STARTING), daemon()) == [[], [], []]


def test_a_runner_that_was_killed_is_told_of_when_it_is_back() -> None:
    restarting = daemon(ComponentState.RESTARTING, 1, "was killed (SIGKILL); starts again")
    *before, last = told(daemon(), restarting, daemon(ComponentState.STARTING, 1), daemon(ComponentState.BUSY, 1))
    assert before == [[], [], []]
    text = "The agent runner was killed (SIGKILL) and was restarted in 2.0 s; its runs continue"
    assert last == [(text, Level.WARNING)]


def test_a_restart_between_two_states_is_noticed_too() -> None:
    _, [(text, _)] = told(daemon(), daemon(restarts=1))
    assert text.startswith("The agent runner stopped and was restarted")


def test_a_runner_that_is_given_up_is_told_of_once() -> None:
    failed = daemon(ComponentState.FAILED, 3, "it ended too often; see stigmer-tui server logs")
    _, first, second = told(daemon(), failed, failed)
    assert first == [("The agent runner is not running: it ended too often; see stigmer-tui server logs", Level.ERROR)]
    assert second == []


def test_a_daemon_that_is_another_one_is_told_of() -> None:
    *_, last = told(daemon(restarts=2), DaemonState(), DaemonState(), daemon(server=5))
    assert last == [("The daemon was gone and was restarted in 2.0 s; its runs continue", Level.WARNING)]


def test_a_connection_that_broke_and_mended_is_no_news() -> None:
    assert told(daemon(restarts=1), DaemonState(), daemon(restarts=1))[-1] == []


def test_a_notice_is_passed_on_once() -> None:
    runner = Component(
        "agent-runner", ComponentState.READY, pid=2, notice="The built-in agent runner is used: it rains"
    )
    state = DaemonState(connected=True, components=(Component("server", ComponentState.READY, pid=1), runner))
    assert told(state, state, daemon()) == [
        [("The built-in agent runner is used: it rains", Level.WARNING)],
        [],
        [],
    ]


def test_a_daemon_of_an_older_version_is_told_of_once() -> None:
    older = replace(daemon(), version="0.0.9")
    [(text, level)], again = told(older, older)
    assert text.startswith(f"The daemon is of version 0.0.9, older than this program ({__version__}), and at work")
    assert (level, again) == (Level.WARNING, [])
    assert told(replace(daemon(), version=__version__)) == [[]]
