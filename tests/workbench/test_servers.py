"""Which server a session works with."""

from __future__ import annotations

from pathlib import Path

import pytest

from stigmer_tui.client.endpoint import Endpoint
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.paths import Home
from stigmer_tui.workbench import servers
from stigmer_tui.workbench.servers import NamedServer, OwnDaemon, server_of
from tests.workbench.stage import StoppedClock

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
    server = server_of(Configuration(Home(tmp_path), server="example.org:443"), StoppedClock())
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
