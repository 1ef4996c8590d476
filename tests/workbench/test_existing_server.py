"""Point 28: a session on a server that has the contract's services alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stigmer_tui.core.clock import SystemClock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.contexts import Context
from stigmer_tui.core.paths import Home
from stigmer_tui.workbench.model import Resource, Run
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.session_cache import SessionCache
from stigmer_tui.workbench.state import RunInput, WorkbenchState
from tests.server.builders import workflow
from tests.server.conftest import Api, running
from tests.workbench.test_watch_loop import LIMIT, ONE_TASK


class Opened:
    """A session, and the state that one can wait for."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._changed = asyncio.Event()
        session.store.subscribe(lambda event: self._changed.set())

    @property
    def state(self) -> WorkbenchState:
        return self.session.state

    def slugs(self) -> list[str]:
        return [resource.slug for resource in self.state.resources]

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def is_deployed(self) -> bool:
        return bool(self.state.project and self.state.project.applied and self.state.daemon.connected)


@asynccontextmanager
async def opened(tmp_path: Path, api: Api, code: str = ONE_TASK.format(title="one")) -> AsyncIterator[Opened]:
    folder = tmp_path / "project"
    if not folder.exists():
        folder.mkdir()
        (folder / "Stigmer.yaml").write_text("name: demo\nruntime: python\n", encoding="utf-8")
        (folder / "main.py").write_text(code, encoding="utf-8")
    configuration = Configuration(Home(tmp_path / "own-home"), context=Context("", api.server.address))
    session = Session(configuration, folder, SystemClock(), cache=SessionCache.of(configuration, folder))
    bench = Opened(session)
    working = asyncio.create_task(session.run())
    try:
        await bench.until(bench.is_deployed)
        yield bench
    finally:
        working.cancel()
        await asyncio.wait((working,))


async def test_the_second_opening_has_what_the_first_one_deployed_and_ran(tmp_path: Path) -> None:
    async with running(tmp_path / "home", plain=True) as api:
        other = workflow("elsewhere")
        other.spec.env_spec.data["REGION"].value = "eu-west-1"
        await api.workflows.apply(other)
        async with opened(tmp_path, api) as bench:
            assert (bench.slugs(), bench.state.listed) == (["tally"], True)
            abilities = bench.state.daemon.abilities
            assert (abilities.can_list, abilities.can_control) == (False, False)
            assert await bench.session.find("nothing") is None
            found = await bench.session.find("elsewhere")
            assert isinstance(found, Resource)
            assert [(variable.name, variable.default) for variable in found.variables] == [("REGION", "eu-west-1")]
            bench.session.start(found, RunInput("once"))
            await bench.until(lambda: bool(bench.state.runs))
            (run,) = bench.state.runs
            assert (run.resource, bench.session.unfinished()) == ("elsewhere", [run])
        async with opened(tmp_path, api) as bench:
            assert bench.state.project is not None
            assert bench.state.project.applied is not None
            assert (bench.state.project.applied.unchanged, bench.slugs()) == (("tally",), ["elsewhere", "tally"])
            assert bench.state.resources[0].variables == found.variables
            assert [known.id for known in bench.state.runs] == [run.id]
            opened_run = await bench.session.find(run.id)
            assert isinstance(opened_run, Run)
            assert opened_run.resource == "elsewhere"


async def test_what_was_known_of_another_server_is_not_in_the_list(tmp_path: Path) -> None:
    async with running(tmp_path / "one", plain=True) as api, opened(tmp_path, api) as bench:
        one = bench.state.resources[0].id
    async with running(tmp_path / "two", plain=True) as api, opened(tmp_path, api) as bench:
        assert bench.slugs() == ["tally"]
        assert bench.state.resources[0].id != one


@pytest.mark.parametrize("plain", [False, True])
async def test_a_server_is_asked_once_what_it_can_do(tmp_path: Path, plain: bool) -> None:
    async with running(tmp_path / "home", plain=plain) as api, opened(tmp_path, api) as bench:
        assert bench.state.daemon.abilities.can_control is not plain
        assert bool(bench.state.daemon.abilities.missing) is plain


async def test_keys_are_for_our_own_daemon_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point 21: not for a server that somebody has named, though it would take them."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-0123456789abcdef")
    async with running(tmp_path / "home") as api, opened(tmp_path, api) as bench:
        assert await bench.session._require_services().backend.hand_over_keys() == ()
        assert not [notice for notice in bench.state.notices if "OPENAI_API_KEY" in notice.text]


AGENT_WITH_MODEL = """
from stigmer_tui.sdk import Agent

Agent("helper", instructions="Answer in one sentence.", model="claude-sonnet-4.5")
"""


@pytest.mark.parametrize(("is_existing", "warnings"), [(True, 1), (False, 0)])
async def test_a_deployment_warns_of_the_model_that_an_existing_server_ignores(
    tmp_path: Path, is_existing: bool, warnings: int
) -> None:
    async with (
        running(tmp_path / "home", plain=is_existing) as api,
        opened(tmp_path, api, AGENT_WITH_MODEL) as bench,
    ):
        texts = [notice.text for notice in bench.state.notices if "ignores" in notice.text]
    expected = "the server ignores the model of agent helper, which only that of stigmer-tui knows"
    assert texts == [expected] * warnings
