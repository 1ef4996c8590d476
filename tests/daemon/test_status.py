"""The status of the daemon as people read it."""

from __future__ import annotations

import pytest

from stigmer_tui.api.daemon_pb2 import Component, Status
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.daemon.status import StatusText

FULL = "Cannot write agents.db: the disk is full"


def line(component: Component) -> str:
    lines = list(StatusText(Status(components=[component]), SystemClock()).lines())
    return next(line for line in lines if component.name in line)


@pytest.mark.parametrize("state", [Component.READY, Component.BUSY])
def test_a_process_that_cannot_do_its_work_is_not_called_ready(state: Component.State.ValueType) -> None:
    shown = line(Component(name="agent-runner", state=state, pid=1, detail=FULL))
    assert "⏸ waiting" in shown and FULL in shown
    assert "✓" not in shown and "ready" not in shown and "▸" not in shown


def test_a_process_that_does_its_work_says_so() -> None:
    assert "✓ ready" in line(Component(name="server", state=Component.READY, pid=1))
    assert "▸ busy" in line(Component(name="server", state=Component.BUSY, pid=1))


def test_a_process_that_failed_says_why() -> None:
    shown = line(Component(name="agent-runner", state=Component.FAILED, detail="it ended too often"))
    assert "✗ failed" in shown and "it ended too often" in shown
