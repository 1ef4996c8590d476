"""The status of the daemon as people read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stigmer_tui.api.daemon_pb2 import Component, Status
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.status import StatusText, read_status, status_json, status_of
from stigmer_tui.daemon.token import create_token
from tests.daemon.test_running import held
from tests.server.conftest import running

FULL = "Cannot write agents.db: the disk is full"


def line(component: Component) -> str:
    lines = list(StatusText(Status(components=[component]), SystemClock()).lines())
    return next(line for line in lines if component.name in line)


@pytest.mark.parametrize("state", [Component.READY, Component.BUSY])
def test_a_process_that_cannot_do_its_work_is_not_called_ready(state: Component.State.ValueType) -> None:
    shown = line(Component(name="agent-runner", state=state, pid=1, detail=FULL))
    assert "⏸ not ready" in shown and FULL in shown
    assert "✓" not in shown and "▸" not in shown


def test_a_process_that_does_its_work_says_so() -> None:
    assert "✓ ready" in line(Component(name="server", state=Component.READY, pid=1))
    assert "▸ busy" in line(Component(name="server", state=Component.BUSY, pid=1))


def test_a_process_that_failed_says_why() -> None:
    shown = line(Component(name="agent-runner", state=Component.FAILED, detail="it ended too often"))
    assert "✗ failed" in shown and "it ended too often" in shown


def test_what_there_is_to_know_of_a_process_stands_below_it() -> None:
    component = Component(name="agent-runner", state=Component.READY, pid=1, notice="The built-in one is used")
    lines = list(StatusText(Status(components=[component]), SystemClock()).lines())
    below = lines[lines.index(line(component)) + 1]
    assert below.strip() == "! The built-in one is used"


def test_a_failure_is_told_with_its_age_and_the_last_lines_of_the_log() -> None:
    component = Component(
        name="agent-runner",
        state=Component.FAILED,
        queued=2,
        last_error="ended with code 3",
        log_lines=["error: no room"],
    )
    component.last_error_at.FromDatetime(datetime(2026, 11, 28, 11, 58, tzinfo=UTC))
    lines = [line.strip() for line in StatusText(Status(components=[component]), Now()).lines()]
    place = lines.index("agent-runner     ✗ failed")
    assert lines[place + 1 : place + 4] == [
        "2 executions waiting for it",
        "last error, 2 m ago: ended with code 3",
        "error: no room",
    ]
    assert lines[-1] == "Running  0 executions, 2 waiting"


class Now:
    def now(self) -> datetime:
        return datetime(2026, 11, 28, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def whole_status() -> Status:
    server = Component(name="server", state=Component.READY, pid=41, memory_bytes=38_000_000, cpu_percent=1.26)
    server.started_at.FromDatetime(datetime(2026, 11, 28, 10, tzinfo=UTC))
    agents = Component(name="agent-runner", state=Component.BUSY, pid=42, memory_bytes=900, restarts=1)
    agents.started_at.FromDatetime(datetime(2026, 11, 28, 11, 59, tzinfo=UTC))
    stopped = Component(name="workflow-runner", state=Component.STOPPED)
    status = Status(
        address="127.0.0.1:50051",
        version="1.2",
        requires_token=True,
        components=[server, agents, stopped],
        model="gpt",
        secrets="keyring",
        home="/data",
        engine="embedded",
        free_bytes=72_000_000_000,
        running=2,
    )
    status.started_at.FromDatetime(datetime(2026, 11, 25, 12, tzinfo=UTC))
    return status


def test_what_a_process_failed_of_is_told_once() -> None:
    detail = "Cannot use agents.db; try again with: stigmer-tui server restart agents"
    failed = Component(name="agent-runner", state=Component.FAILED, detail=detail, last_error="Cannot use agents.db")
    text = "\n".join(StatusText(Status(components=[failed]), SystemClock()).lines())
    assert text.count("Cannot use agents.db") == 1


def test_the_whole_status_stands_in_columns() -> None:
    assert list(StatusText(whole_status(), Now()).lines()) == [
        "✓ The daemon is running at 127.0.0.1:50051, version 1.2, up 3 d",
        "",
        "  server           ✓ ready      pid 41         38 MB    1.3 %   up 2 h   0 restarts",
        "  agent-runner     ▸ busy       pid 42         900 B    0.0 %   up 1 m   1 restart",
        "  workflow-runner  ⊘ stopped    ",
        "",
        "  Model    gpt",
        "  Engine   embedded",
        "  Secrets  keyring",
        "  Data     /data",
        "  Disk     72 GB free",
        "  Running  2 executions",
    ]


def test_a_daemon_that_everybody_may_use_says_so() -> None:
    lines = list(StatusText(Status(running=1), Now()).lines())
    assert lines[1] == "  Every client on this machine may use it (--no-auth)"
    assert lines[-1] == "  Running  1 execution"


def test_for_programs_running_is_whether_there_is_a_daemon() -> None:
    data = json.loads(status_json(whole_status()))
    assert (data["running"], data["executions"], data["requires_token"]) == (True, 2, True)
    assert data["components"][0]["name"] == "server"


def test_for_programs_a_daemon_without_executions_runs_too() -> None:
    data = json.loads(status_json(Status(address="127.0.0.1:1")))
    assert (data["running"], data["executions"], data["address"]) == (True, 0, "127.0.0.1:1")


def test_a_state_that_a_newer_daemon_has_stands_between() -> None:
    shown = line(Component(name="server", state=Component.STATE_UNSPECIFIED))
    assert shown == "  server           · state unspecified"


def test_a_process_that_waits_to_be_started_again_says_why_and_has_no_pid() -> None:
    shown = line(Component(name="agent-runner", state=Component.RESTARTING, restarts=3, detail="ended with code 1"))
    assert shown == "  agent-runner     ⏸ restarting    ended with code 1"


async def test_the_status_of_a_home_is_asked_of_its_daemon(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    async with running(tmp_path, create_token(home.token)) as api:
        with held(home, api.server.address):
            status = await read_status(home)
    assert status and status.address == api.server.address


async def test_a_home_without_a_daemon_has_no_status(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    assert await read_status(home) is None


async def test_a_status_is_asked_of_the_server(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        status = await status_of(Endpoint(api.server.address, ""))
        assert status and status.address == api.server.address
    async with running(tmp_path / "plain", plain=True) as api:
        assert await status_of(Endpoint(api.server.address, "")) is None
