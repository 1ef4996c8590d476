"""A daemon of an older version is replaced when it is idle, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui import __version__
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.paths import Home
from stigmer_tui.core.versions import is_older
from stigmer_tui.daemon import upgrade
from stigmer_tui.daemon.record import DaemonRecord
from stigmer_tui.daemon.upgrade import upgraded
from tests.server.builders import agent, agent_run
from tests.server.conftest import running
from tests.server.runner import attached

NEW = Endpoint("127.0.0.1:2", "new")
OLDER = "0.0.9"


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[DaemonRecord]:
    """Instead of starting another."""
    records: list[DaemonRecord] = []

    async def replace(configuration: Configuration, former: DaemonRecord) -> Endpoint:
        records.append(former)
        return NEW

    monkeypatch.setattr(upgrade, "replace_daemon", replace)
    return records


def record(address: str, version: str) -> DaemonRecord:
    return DaemonRecord(1, "start", address, version, requires_token=False)


async def test_an_idle_daemon_of_an_older_version_is_replaced(tmp_path: Path, replaced: list[DaemonRecord]) -> None:
    async with running(tmp_path / "server") as api:
        old = record(api.server.address, OLDER)
        assert await upgraded(Configuration(Home(tmp_path)), Endpoint(old.address, ""), old) == NEW
    assert replaced == [old]


@pytest.mark.parametrize("version", [__version__, "99.0.0"])
async def test_one_of_the_same_or_a_newer_version_is_used_as_it_is(
    tmp_path: Path, replaced: list[DaemonRecord], version: str
) -> None:
    endpoint = Endpoint("127.0.0.1:1", "")
    assert await upgraded(Configuration(Home(tmp_path)), endpoint, record("127.0.0.1:1", version)) == endpoint
    assert replaced == []


async def test_one_at_work_is_left_alone(tmp_path: Path, replaced: list[DaemonRecord]) -> None:
    async with running(tmp_path / "server") as api, attached(api, Hello.Kind.AGENTS) as runner:
        stored = await api.agents.apply(agent())
        await api.agent_runs.create(agent_run(stored.metadata.id))
        await runner.assignment()
        endpoint = Endpoint(api.server.address, "")
        assert await upgraded(Configuration(Home(tmp_path)), endpoint, record(endpoint.address, OLDER)) == endpoint
    assert replaced == []


async def test_one_that_does_not_answer_is_left_alone(tmp_path: Path, replaced: list[DaemonRecord]) -> None:
    endpoint = Endpoint("127.0.0.1:1", "")
    assert await upgraded(Configuration(Home(tmp_path)), endpoint, record(endpoint.address, OLDER)) == endpoint
    assert replaced == []


def test_versions_are_compared_by_their_numbers() -> None:
    assert is_older("0.9.9", "0.10.0") and is_older("0.1.0", "0.1.1")
    assert not is_older("0.1.0", "0.1.0.dev3") and not is_older("1.0.0", "0.9.9")
