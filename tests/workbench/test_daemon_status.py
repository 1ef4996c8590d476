"""The daemon's status as it comes over the wire, and as the sidebar shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stigmer_tui.api import daemon_pb2 as daemons
from stigmer_tui.tui.render.glyphs import UNICODE
from stigmer_tui.tui.render.sidebar import LOOKS, SidebarFormat, daemon_look, sidebar_rows
from stigmer_tui.tui.render.styled_rows import text_of
from stigmer_tui.workbench.daemon_state import ComponentState
from stigmer_tui.workbench.model import RunState
from stigmer_tui.workbench.state import WorkbenchState
from stigmer_tui.workbench.translation import daemon_state

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("state", [daemons.Component.READY, daemons.Component.BUSY])
def test_a_process_that_cannot_do_its_work_waits(state: daemons.Component.State.ValueType) -> None:
    component = daemons.Component(name="agent-runner", state=state, pid=1, detail="the disk is full")
    daemon = daemon_state(daemons.Status(components=[component]))
    assert [known.state for known in daemon.components] == [ComponentState.NOT_READY]
    assert daemon_look(daemon)[:2] == ("not ready", RunState.WAITING)
    rows = [text_of(row.spans) for row in sidebar_rows(WorkbenchState(daemon), SidebarFormat(30, UNICODE, NOW))]
    assert any(row.startswith(f"{UNICODE.states[RunState.WAITING]} agents") for row in rows)


def test_what_there_is_to_know_of_a_process_stands_below_it() -> None:
    component = daemons.Component(
        name="agent-runner",
        state=daemons.Component.BUSY,
        pid=7,
        detail="the disk is full",
        queued=2,
        last_error="was killed",
        notice="The built-in one is used",
    )
    component.last_error_at.FromDatetime(NOW - timedelta(minutes=3))
    status = daemons.Status(components=[component], engine="embedded", secrets="keyring", free_bytes=71_000_000_000)
    form = SidebarFormat(40, UNICODE, NOW)
    rows = [text_of(row.spans).rstrip() for row in sidebar_rows(WorkbenchState(daemon_state(status)), form)]
    below = [row for row in rows if row.startswith("  ")]
    assert below[1:] == [
        "  the disk is full",
        "  2 runs waiting for it",
        "  last error, 3 m ago: was killed",
        "  The built-in one is used",
    ]
    assert rows[-3:] == ["Engine   embedded", "Secrets  keyring", "Disk     71 GB free"]


def test_a_process_that_does_its_work_is_ready() -> None:
    component = daemons.Component(name="agent-runner", state=daemons.Component.READY, pid=1)
    daemon = daemon_state(daemons.Status(components=[component]))
    assert daemon_look(daemon)[:2] == ("ready", RunState.COMPLETED)


def test_each_state_of_a_process_has_a_look() -> None:
    assert set(LOOKS) == set(ComponentState)
