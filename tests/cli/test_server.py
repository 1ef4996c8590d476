"""The commands of `server` where STIGMER_SERVER_ADDR names another server (point 31)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from stigmer_tui.cli.invocation import run_command
from tests.server.conftest import running

pytestmark = pytest.mark.usefixtures("logging_as_before")


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    monkeypatch.setenv("STIGMER_HOME", str(tmp_path / "home"))

    def command(*arguments: str) -> Said:
        code = run_command(arguments)
        return Said(code, *capsys.readouterr())

    return command


@pytest.mark.parametrize("plain", [False, True])
async def test_the_status_is_that_of_the_server_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Callable[..., Said], plain: bool
) -> None:
    async with running(tmp_path / "other", plain=plain) as api:
        address = api.server.address
        monkeypatch.setenv("STIGMER_SERVER_ADDR", address)
        text = await asyncio.to_thread(say, "server", "status")
        data = await asyncio.to_thread(say, "server", "status", "--output", "json")
    assert (text.code, data.code) == (0, 0)
    first, second, *_ = text.out.splitlines()
    assert first == f"✓ A server answers at {address}, which STIGMER_SERVER_ADDR names"
    assert second.startswith(
        "  It is not one of our daemons" if plain else f"✓ The daemon is running at {address}, version "
    )
    told = json.loads(data.out)
    assert (told["running"], told["address"], told["named_by"]) == (True, address, "STIGMER_SERVER_ADDR")
    assert ("components" in told) is not plain


def test_a_server_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch, say: Callable[..., Said]) -> None:
    monkeypatch.setenv("STIGMER_SERVER_ADDR", "127.0.0.1:1")
    text = say("server", "status")
    assert (text.code, text.err.partition("\n")[0]) == (1, "Error: Cannot reach the server at 127.0.0.1:1")
    data = say("server", "status", "--output", "json")
    assert (data.code, json.loads(data.out)["running"]) == (1, False)


def test_no_daemon_is_started_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Callable[..., Said]
) -> None:
    monkeypatch.setenv("STIGMER_SERVER_ADDR", "127.0.0.1:1")
    for command in ("start", "restart"):
        said = say("server", command)
        assert said.code == 1
        assert said.err.startswith("Error: STIGMER_SERVER_ADDR names the server that is used, 127.0.0.1:1; no daemon")
    stopped = say("server", "stop")
    left_alone = "  The server at 127.0.0.1:1, which STIGMER_SERVER_ADDR names, is left alone\n"
    assert stopped.out == f"The daemon is not running\n{left_alone}"
    assert not (tmp_path / "home").exists()
