"""Finding a daemon that runs: it answers, or it is said that it does not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stigmer_tui.client.endpoint import Endpoint, probe
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.paths import Home
from stigmer_tui.core.processes import ProcessIdentity
from stigmer_tui.daemon import lifecycle
from stigmer_tui.daemon import running as running_module
from stigmer_tui.daemon.record import DaemonLock, DaemonRecord, read_record
from stigmer_tui.daemon.running import NoAnswer, ensure_daemon, running_endpoint, running_record, wait_for_daemon
from stigmer_tui.daemon.token import create_token
from tests.server.conftest import running

LIMIT = 60.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@contextmanager
def held(home: Home, address: str) -> Iterator[None]:
    """This process is the daemon, and says that it listens there."""
    identity = ProcessIdentity.of(os.getpid())
    assert identity
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    lock.write(DaemonRecord(identity.pid, identity.start, address, "1.0", requires_token=True))
    try:
        yield
    finally:
        lock.release()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Home]:
    """Homes whose daemons were started, instead of starting them."""
    homes: list[Home] = []

    async def start(configuration: Configuration) -> Endpoint:
        homes.append(configuration.home)
        return Endpoint("127.0.0.1:2", "new")

    monkeypatch.setattr(lifecycle, "start_daemon", start)
    return homes


async def test_a_daemon_that_answers_is_used_with_the_token_of_its_home(home: Home, started: list[Home]) -> None:
    token = create_token(home.token)
    async with running(home.root, token) as api:
        with held(home, api.server.address):
            expected = Endpoint(api.server.address, token)
            assert await asyncio.wait_for(running_endpoint(home), LIMIT) == expected
            assert await asyncio.wait_for(ensure_daemon(Configuration(home)), LIMIT) == expected
    assert started == []


async def test_where_there_is_none_one_is_started(home: Home, started: list[Home]) -> None:
    assert await asyncio.wait_for(running_endpoint(home), LIMIT) is None
    assert await asyncio.wait_for(ensure_daemon(Configuration(home)), LIMIT) == Endpoint("127.0.0.1:2", "new")
    assert started == [home]


async def test_one_that_does_not_answer_is_named_and_no_other_is_started(
    home: Home, started: list[Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running_module, "SILENCE_LIMIT", 0.0)
    with held(home, "127.0.0.1:1"), pytest.raises(NoAnswer) as raised:
        await asyncio.wait_for(ensure_daemon(Configuration(home)), LIMIT)
    assert raised.value.message == f"The daemon (pid {os.getpid()}) does not answer at 127.0.0.1:1"
    assert raised.value.advice == "It is stopped or stuck; end it with: stigmer-tui server stop"
    assert started == []


async def test_one_that_ends_meanwhile_is_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = asyncio.Queue[None]()

    async def noted(endpoint: Endpoint) -> None:
        probes.put_nowait(None)
        await probe(endpoint)

    monkeypatch.setattr(running_module, "probe", noted)
    monkeypatch.setattr(running_module, "SILENCE_LIMIT", LIMIT)
    with held(home, "127.0.0.1:1"):
        finding = asyncio.create_task(running_endpoint(home))
        await asyncio.wait_for(probes.get(), LIMIT)
    assert await asyncio.wait_for(finding, LIMIT) is None


async def test_one_that_has_not_said_yet_who_it_is_is_waited_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = ProcessIdentity.of(os.getpid())
    assert identity
    written = DaemonRecord(identity.pid, identity.start, "127.0.0.1:1", "1.0", requires_token=True)
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    looks: list[Home] = []

    def look(home: Home) -> DaemonRecord | None:
        looks.append(home)
        if len(looks) == 3:
            lock.write(written)
        return read_record(home)

    monkeypatch.setattr(running_module, "read_record", look)
    monkeypatch.setattr(running_module, "PAUSE", 0.0)
    monkeypatch.setattr(running_module, "SILENCE_LIMIT", LIMIT)
    assert await running_record(home) == written
    assert looks == [home] * 3
    lock.release()
    assert await running_record(home) is None


async def test_a_lock_whose_holder_is_not_known_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "SILENCE_LIMIT", 0.0)
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    with pytest.raises(NoAnswer) as raised:
        await asyncio.wait_for(running_endpoint(home), LIMIT)
    lock.release()
    assert raised.value.message == f"A process holds {home.daemon_lock}, and it is not known which"
    assert raised.value.advice.endswith(f"lsof {home.daemon_lock}")


async def test_a_daemon_that_is_started_elsewhere_is_waited_for(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_module, "POLL_INTERVAL_MS", 10)
    waiting = asyncio.create_task(wait_for_daemon(home))
    # One that has only begun to start has not said where it is.
    lock = DaemonLock.acquire(home.daemon_lock, 0)
    done, _ = await asyncio.wait((waiting,), timeout=0.1)
    assert not done
    lock.release()
    with held(home, "127.0.0.1:1"):
        await asyncio.wait_for(waiting, LIMIT)
