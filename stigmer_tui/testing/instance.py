"""An instance for tests: a home and a daemon of its own, with the project's code deployed, and nothing left behind."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from json import dumps
from pathlib import Path

from stigmer_tui.client.connection import Connection, connected
from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import configuration_of
from stigmer_tui.core.configuration_file import ConfigurationFile
from stigmer_tui.core.errors import StigmerError
from stigmer_tui.core.model_prices import price_of
from stigmer_tui.core.paths import Home
from stigmer_tui.daemon.lifecycle import start_daemon, stop_daemon
from stigmer_tui.definition import extensions
from stigmer_tui.definition.recording import Recording, recording_data
from stigmer_tui.testing.cases import TestCase
from stigmer_tui.testing.records import RunRecord, read_run
from stigmer_tui.workbench.model import Resource, ResourceKind
from stigmer_tui.workbench.runs import Runs
from stigmer_tui.workbench.servers import server_of
from stigmer_tui.workbench.session import Session
from stigmer_tui.workbench.state import RunInput, Value

PREFIX = "STIGMER_"
"""Of the variables of the person's own instance, which tests do not see."""


@dataclass(frozen=True, slots=True)
class TestInstance:
    __test__ = False  # pytest collects by the name

    home: Home
    resources: Sequence[Resource]
    """Of the project."""
    runs: Runs
    connection: Connection

    async def play(self, case: TestCase) -> RunRecord:
        """The run, when it has ended. Raises StigmerError where it cannot be started."""
        resource = self._resource(case)
        name = hashlib.sha256(str(case.path).encode()).hexdigest()[:16]
        self.home.recordings.mkdir(parents=True, exist_ok=True)
        (self.home.recordings / f"{name}.json").write_text(dumps(recording_data(case.recording)), encoding="utf-8")
        values = {
            key: Value(f"{key} of a test" if variable.is_secret else variable.value, variable.is_secret)
            for key, variable in case.variables.items()
        }
        # What was approved or denied then is in the recording.
        annotations = {extensions.RECORDING: name, extensions.APPROVE: "none"}
        shown = await self.runs.start(resource, RunInput(case.message, values, annotations))
        await self.runs.follow(shown.execution)
        run = await read_run(self.connection, shown.execution.id)
        _count_as_recorded(run, case.recording)
        return run

    def folders(self, run: RunRecord) -> list[Path]:
        """The working folders of a run."""
        return [self.home.workspace / session for session in run.sessions]

    def _resource(self, case: TestCase) -> Resource:
        kind = ResourceKind.AGENT if case.is_agent else ResourceKind.WORKFLOW
        deployed = self.resources
        found = next((item for item in deployed if item.kind is kind and case.runs in (item.slug, item.name)), None)
        if found is None:
            names = ", ".join(item.slug for item in deployed if item.kind is kind) or f"no {kind}"
            raise StigmerError(f"The project has no {kind} {case.runs}: it has {names}")
        return found


def _count_as_recorded(run: RunRecord, recording: Recording) -> None:
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
async def test_instance(project: Path, clock: Clock) -> AsyncIterator[TestInstance]:
    """With the code of the project. Raises StigmerError where that cannot be deployed."""
    root = Path(tempfile.mkdtemp(prefix="stigmer-test-"))
    home = Home(root)
    try:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        configuration = configuration_of(home, environment, ConfigurationFile.read(home.configuration))
        # An interrupt in the middle of the start must not leave a daemon behind that nobody stops.
        starting = asyncio.create_task(start_daemon(configuration))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.wait([starting])
            raise
        session = Session(configuration, project, clock)
        async with session.opened() as runs:
            deployment = await session.deploy()
            async with connected(server_of(configuration, clock).locate) as connection:
                yield TestInstance(home, deployment.resources, runs, connection)
    finally:
        await stop_daemon(home)
        await asyncio.to_thread(shutil.rmtree, root, True)


test_instance.__test__ = False  # type: ignore[attr-defined]
