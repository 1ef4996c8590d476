"""Which server a session works with."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon import lifecycle
from stigmer_tui.workbench import servers
from stigmer_tui.workbench.servers import MAX_LOG_LINES, NamedServer, OwnDaemon, server_of
from tests.workbench.stage import NOON, StoppedClock

ENDPOINT = Endpoint("127.0.0.1:1", "token")


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[Home]:
    """The homes whose daemon was started, or found."""
    found: list[Home] = []

    async def ensure_daemon(configuration: Configuration) -> Endpoint:
        found.append(configuration.home)
        return ENDPOINT

    monkeypatch.setattr(servers, "ensure_daemon", ensure_daemon)
    return found


async def test_a_daemon_that_was_stopped_stays_stopped_until_somebody_wants_it(
    tmp_path: Path, starts: list[Home]
) -> None:
    """A daemon that ended in good order has removed its record."""
    daemon = OwnDaemon(Configuration(Home(tmp_path)), StoppedClock())
    assert await daemon.locate() == ENDPOINT
    for _ in range(2):
        with pytest.raises(StigmerError, match="was stopped"):
            await daemon.locate()
    daemon.search_anew()
    assert await daemon.locate() == ENDPOINT
    assert starts == [Home(tmp_path)] * 2


async def test_a_daemon_that_was_killed_is_started_again(tmp_path: Path, starts: list[Home]) -> None:
    home = Home(tmp_path)
    home.prepare()
    home.daemon_lock.write_text(
        '{"pid": 4711, "start": "1", "address": "127.0.0.1:1", "version": "0.1.0", "requires_token": true}',
        encoding="utf-8",
    )
    daemon = OwnDaemon(Configuration(home), StoppedClock())
    for _ in range(2):
        assert await daemon.locate() == ENDPOINT
    assert len(starts) == 2


async def test_a_named_server_is_only_an_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starts: list[Home]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    server = server_of(Configuration(Home(tmp_path), context=Context("", "example.org:443")), StoppedClock())
    assert isinstance(server, NamedServer)
    assert await server.locate() == Endpoint("example.org:443", "", is_ours=False)
    await server.stop()
    await server.restart()
    assert (server.is_ours, server.provider_keys(), server.last_log_lines(), starts) == (False, {}, (), [])


def test_our_daemon_may_have_the_keys_of_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    server = server_of(Configuration(Home(tmp_path)), StoppedClock())
    assert server.is_ours
    assert server.provider_keys()["OPENAI_API_KEY"] == "sk-0123456789abcdef"


def log(home: Home, seconds: float, message: str) -> None:
    time = (NOON + timedelta(seconds=seconds)).isoformat()
    line = {"time": time, "level": "error", "component": "server", "message": message}
    with home.log("server").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def test_the_last_words_of_a_daemon_are_those_since_it_was_searched_for(tmp_path: Path) -> None:
    """Point 24: what it wrote before says nothing of why it is gone now."""
    home, clock = Home(tmp_path), StoppedClock(10)
    home.prepare()
    daemon = OwnDaemon(Configuration(home), clock)
    log(home, 9, "before")
    assert daemon.last_log_lines() == ()
    for number in range(MAX_LOG_LINES + 1):
        log(home, 11 + number, f"line {number}")
    ends = [line[-len("line 0") :] for line in daemon.last_log_lines()]
    assert ends == [f"line {number}" for number in range(1, MAX_LOG_LINES + 1)]
    clock.seconds = 100
    daemon.search_anew()
    assert daemon.last_log_lines() == ()


async def test_our_daemon_is_stopped_and_restarted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def stop(home: Home) -> bool:
        asked.append(home)
        return True

    async def restart(configuration: Configuration) -> Endpoint:
        asked.append(configuration)
        return ENDPOINT

    monkeypatch.setattr(lifecycle, "stop_daemon", stop)
    monkeypatch.setattr(lifecycle, "restart_daemon", restart)
    configuration = Configuration(Home(tmp_path))
    daemon = OwnDaemon(configuration, StoppedClock())
    await daemon.stop()
    await daemon.restart()
    assert asked == [configuration.home, configuration]
