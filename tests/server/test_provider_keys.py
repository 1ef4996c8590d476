"""Point 21: keys that a person has and the daemon had not reach the runner of agents, before what needs them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stigmer_tui.api.daemon_pb2 import StatusRequest, TakeKeysRequest
from stigmer_tui.api.runner_pb2 import Hello
from stigmer_tui.core.model_providers import KEY_VARIABLES
from tests.server.conftest import running
from tests.server.runner import LIMIT, attached

KEY, ANOTHER = "sk-0123456789abcdef", "sk-another-0123456789"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*KEY_VARIABLES, *KEY_VARIABLES.values()):
        if name:
            monkeypatch.delenv(name, raising=False)


async def test_a_key_reaches_runners_of_agents_now_and_later_and_no_disk(tmp_path: Path) -> None:
    async with running(tmp_path) as api:
        offer = TakeKeysRequest(variables={"OPENAI_API_KEY": KEY, "PATH": "/evil"})
        handed = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": ""}
        async with attached(api, Hello.Kind.AGENTS) as runner, attached(api, Hello.Kind.WORKFLOWS) as workflows:
            assert list((await api.daemon.takeKeys(offer)).taken) == ["OPENAI_API_KEY"]
            assert await runner.keys() == handed
            assert list((await api.daemon.takeKeys(offer)).taken) == []
            newer = TakeKeysRequest(variables={"OPENAI_API_KEY": ANOTHER})
            assert list((await api.daemon.takeKeys(newer)).taken) == ["OPENAI_API_KEY"]
            assert (await runner.keys())["OPENAI_API_KEY"] == ANOTHER
            assert workflows._messages.empty()
            assert KEY not in str(await api.daemon.status(StatusRequest()))
        async with attached(api, Hello.Kind.AGENTS) as runner:
            assert (await runner.keys())["OPENAI_API_KEY"] == ANOTHER
            runner.beat(model="openai gpt-5")
            async with asyncio.timeout(LIMIT):
                async for status in api.daemon.watch(StatusRequest()):
                    if status.model == "openai gpt-5":
                        break
    assert not kept_in(tmp_path)


def kept_in(folder: Path) -> list[Path]:
    """Files that hold one of the keys."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if any(key.encode() in path.read_bytes() for key in (KEY, ANOTHER))]


async def test_a_daemon_with_a_key_keeps_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-daemon")
    async with running(tmp_path) as api:
        assert list((await api.daemon.takeKeys(TakeKeysRequest(variables={"OPENAI_API_KEY": KEY}))).taken) == []


async def test_a_key_is_forgotten_also_by_the_runner_that_has_it(tmp_path: Path) -> None:
    async with running(tmp_path) as api, attached(api, Hello.Kind.AGENTS) as runner:
        await api.daemon.takeKeys(TakeKeysRequest(variables={"OPENAI_API_KEY": KEY}))
        assert (await runner.keys())["OPENAI_API_KEY"] == KEY
        await api.daemon.takeKeys(TakeKeysRequest(forgotten=["OPENAI_API_KEY"]))
        assert (await runner.keys())["OPENAI_API_KEY"] == ""


async def test_without_keys_a_runner_is_asked_to_look_at_the_configuration_again(tmp_path: Path) -> None:
    async with running(tmp_path) as api, attached(api, Hello.Kind.AGENTS) as runner:
        await api.daemon.takeKeys(TakeKeysRequest())
        assert await runner.keys() == {}
