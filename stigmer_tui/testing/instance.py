"""An instance for tests: a home and a daemon of its own, with the project's code deployed, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from json import dumps
from pathlib import Path
from uuid import uuid4

from stigmer_tui.client.connection import Connection, connected
from stigmer_tui.client.daemon import offer_keys
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import configuration_of
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_prices import price_of
from stigmer_tui.core.model_providers import KEY_VARIABLES
from stigmer_tui.core.paths import Home
from stigmer_tui.core.settings import SETTINGS
from stigmer_tui.daemon.lifecycle import StartOptions, start_daemon, stop_daemon
from stigmer_tui.definition import extensions
from stigmer_tui.definition.recording import Recording, recording_data
from stigmer_tui.testing.cases import TestCase
from stigmer_tui.testing.judge import deploy_judge, question, verdict_of
from stigmer_tui.testing.live import LiveModels
from stigmer_tui.testing.records import RunRecord, read_run
from stigmer_tui.testing.results import Verdict
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.servers import server_of
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import RunInput, Value

PREFIX = "STIGMER_"


@dataclass(frozen=True, slots=True)
class TestInstance:
    __test__ = False  # pytest collects by the name

    home: Home
    resources: Sequence[Resource]
    """Of the project."""
    runs: Runs
    connection: Connection
    judge: Resource | None = None
    """Of an instance that asks models."""

    @property
    def is_live(self) -> bool:
        """Whether models are asked."""
        return self.judge is not None

    async def play(self, case: TestCase, model: str = "") -> RunRecord:
        """The run, when it has ended; of an instance that asks models with this one, or with those of the code.

        Raises StigmerError where it cannot be started.
        """
        resource = resource_of(case, self.resources)
        run_input = self._live_input(case, model) if self.is_live else recorded_input(case)
        name = put_recording(self.home, case.recording)
        run_input = replace(run_input, annotations={**run_input.annotations, extensions.RECORDING: name})
        run = await self._run(resource, run_input)
        if not self.is_live:
            count_as_recorded(run, case.recording)
        return run

    async def verdict(self, rubric: str, run: RunRecord) -> Verdict:
        """What the judge says of a run. Raises StigmerError where it says nothing."""
        if self.judge is None:
            raise StigmerError("No model is asked here, and so there is no judge")
        return verdict_of(await self._run(self.judge, RunInput(question(rubric, run))))

    async def _run(self, resource: Resource, run_input: RunInput) -> RunRecord:
        shown = await self.runs.start(resource, run_input)
        await self.runs.follow(shown.execution)
        return await read_run(self.connection, shown.execution.id)

    def _live_input(self, case: TestCase, model: str) -> RunInput:
        """Secrets are taken from the environment, since MCP servers may need them."""
        environment = {
            name: Value(os.environ.get(name) or test_secret(name), is_secret=True)
            if variable.is_secret
            else Value(variable.value)
            for name, variable in case.variables.items()
        }
        of_model = {extensions.MODEL: model} if model else {}
        return RunInput(case.message, environment, {extensions.LIVE: "true", **of_model})

    def folders(self, run: RunRecord) -> list[Path]:
        """The working folders of a run."""
        return [self.home.workspace / session for session in run.sessions]


def resource_of(case: TestCase, deployed: Sequence[Resource]) -> Resource:
    """What a test runs. Raises StigmerError, with what there is, where it is not deployed."""
    kind = ResourceKind.AGENT if case.is_agent else ResourceKind.WORKFLOW
    found = next((item for item in deployed if item.kind is kind and case.runs in (item.slug, item.name)), None)
    if found is None:
        names = ", ".join(item.slug for item in deployed if item.kind is kind) or f"no {kind}"
        raise StigmerError(f"The project has no {kind} {case.runs}: it has {names}")
    return found


def own_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Without the settings of the person's own instance; with the keys of providers."""
    known = {setting.variable for setting in SETTINGS} - KEY_VARIABLES.keys()
    return {
        name: value
        for name, value in inherited.items()
        if name in KEY_VARIABLES or not (name in known or name.startswith(PREFIX))
    }


def put_recording(home: Home, recording: Recording) -> str:
    """Where the runners of a home find it. Returns its name, which one run can play."""
    name = uuid4().hex
    home.recordings.mkdir(parents=True, exist_ok=True)
    (home.recordings / f"{name}.json").write_text(dumps(recording_data(recording)), encoding="utf-8")
    return name


def recorded_input(case: TestCase) -> RunInput:
    """What was approved or denied then is in the recording, and of secrets there are only the names."""
    environment = {
        name: Value(test_secret(name) if variable.is_secret else variable.value, variable.is_secret)
        for name, variable in case.variables.items()
    }
    return RunInput(case.message, environment, {extensions.APPROVE: "none"})


def test_secret(name: str) -> str:
    """What stands for a secret."""
    return f"{name} of a test"


test_secret.__test__ = False  # type: ignore[attr-defined]


def count_as_recorded(run: RunRecord, recording: Recording) -> None:
    """Offline no model counts tokens: those of the turns that were played are counted."""
    left = list(recording.agents)
    for index, played in enumerate(run.agents):
        of_agent = [each for each in left if each.agent == played.agent]
        found = next((each for each in of_agent if each.message.strip() == played.message.strip()), None)
        if found is not None:
            left.remove(found)
            turns = found.turns[: len(played.turns)]
            run.agents[index] = replace(found, turns=turns)
            price = price_of(found.model, {})
            run.cost += sum(
                price.cost(turn.tokens.input, turn.tokens.output, turn.tokens.cached) or 0.0 for turn in turns
            )


@asynccontextmanager
async def test_instance(project: Path, clock: Clock, live: LiveModels | None = None) -> AsyncIterator[TestInstance]:
    """With the code of the project, and with models, if there are any. Raises StigmerError where that cannot be
    deployed.
    """
    root = Path(tempfile.mkdtemp(prefix="stigmer-test-"))
    home = Home(root)
    try:
        if live:
            home.configuration.write_text(live.configuration, encoding="utf-8")
        environment = own_environment(os.environ)
        configuration = configuration_of(home, environment, ConfigurationFile.read(home.configuration))
        # An interrupt in the middle of the start must not leave a daemon behind that nobody stops.
        starting = asyncio.create_task(start_daemon(configuration, StartOptions(environment=environment)))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            raise
        session = Session(configuration, project, clock)
        async with session.opened() as runs:
            deployment = await session.deploy()
            async with connected(server_of(configuration, clock).locate) as connection:
                judge = None
                if live:
                    await offer_keys(connection, live.keys)
                    judge = await deploy_judge(connection, configuration.organization)
                yield TestInstance(home, deployment.resources, runs, connection, judge)
    finally:
        await stop_daemon(home)
        await asyncio.to_thread(shutil.rmtree, root, True)


test_instance.__test__ = False  # type: ignore[attr-defined]
