"""The tests of a project beside its runs: played on the daemon of the person, with the code that was just deployed."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from stigmer_tui.core.clock import Clock
from stigmer_tui.core.configuration import Configuration
from stigmer_tui.core.errors import StigmerError, system_refusal
from stigmer_tui.project.project_file import tests_folder
from stigmer_tui.workbench.model import Resource, ResourceKey, ResourceKind
from stigmer_tui.workbench.project_tests import Form, Outcome, ProjectTest, Took
from stigmer_tui.workbench.services import organization_for

if TYPE_CHECKING:
    # Loaded with the first test that is played.
    from stigmer_tui.client.connection import Connection
    from stigmer_tui.testing.cases import TestCase
    from stigmer_tui.testing.expectations import Failure
    from stigmer_tui.testing.records import RunRecord
    from stigmer_tui.testing.suite import Comparison

T = TypeVar("T")

AT_ONCE = 2
"""Runs at the same time: those of the person come first."""

FOLLOW_MS = 50
"""Between two looks at a run."""

EXPORTS = "exports"
"""The folder of a project for runs that are no tests."""

ENDINGS = {Form.TEST: "yaml", Form.SCRIPT: "script.yaml", Form.JSON: "json", Form.MARKDOWN: "md"}


class SessionTester:
    """Of a project, on the daemon of this home."""

    def __init__(self, configuration: Configuration, folder: Path, organization: str, clock: Clock) -> None:
        self._configuration = configuration
        self._home = configuration.home
        self._folder = folder
        self._organization = organization_for(configuration, folder, organization)
        self._clock = clock
        self._made: set[str] = set()
        """Runs of tests that have not been deleted yet."""
        self._subjects: dict[tuple[str, tuple[int, int]], ResourceKey | None] = {}

    def find(self) -> tuple[ProjectTest, ...]:
        from stigmer_tui.testing.cases import find_cases

        return tuple(filter(None, map(self._test, find_cases(tests_folder(self._folder)))))

    def _test(self, path: Path) -> ProjectTest | None:
        try:
            stat = path.stat()
        except OSError:
            return None
        return ProjectTest(self._relative(path), path.stem, (stat.st_mtime_ns, stat.st_size))

    def subject(self, test: ProjectTest) -> ResourceKey | None:
        key = (test.path, test.stamp)
        if key not in self._subjects:
            self._subjects[key] = self._read_subject(test)
        return self._subjects[key]

    def _read_subject(self, test: ProjectTest) -> ResourceKey | None:
        from stigmer_tui.testing.cases import read_case

        try:
            case = read_case(self._folder / test.path)
        except StigmerError:
            # What is wrong with it is said when it is saved.
            return None
        return ResourceKey(ResourceKind.AGENT if case.is_agent else ResourceKind.WORKFLOW, case.runs)

    async def play(self, tests: Sequence[ProjectTest], resources: Sequence[Resource], took: Took) -> None:
        # Beside the event loop, which must not stand still for it.
        await asyncio.to_thread(_load_what_plays)
        from stigmer_tui.testing.suite import Comparison

        slots, comparison = asyncio.Semaphore(AT_ONCE), Comparison()

        async def play(test: ProjectTest) -> None:
            async with slots:
                await took(await self._play(connection, test, resources, comparison))

        try:
            async with self._connected() as connection, asyncio.TaskGroup() as group:
                for test in tests:
                    group.create_task(play(test))
        finally:
            await comparison.close()

    async def _play(
        self, connection: Connection, test: ProjectTest, resources: Sequence[Resource], comparison: Comparison
    ) -> ProjectTest:
        from stigmer_tui.testing.cases import read_case
        from stigmer_tui.testing.expectations import failures
        from stigmer_tui.testing.instance import count_as_recorded, resource_of

        run: RunRecord | None = None
        try:
            case = await asyncio.to_thread(read_case, self._folder / test.path)
            run = await self._run(connection, case, resource_of(case, resources))
            count_as_recorded(run, case.recording)
            folders = [self._home.workspace / session for session in run.sessions]
            difference = _lines(await failures(case.expected, run, folders, comparison.evaluate))
        except (StigmerError, OSError) as problem:
            error = system_refusal(problem) if isinstance(problem, OSError) else problem
            difference = (error.message.removeprefix(f"{self._folder}{os.sep}"), *error.advice.splitlines())
        outcome = Outcome.FAILED if difference else Outcome.PASSED
        return replace(test, outcome=outcome, difference=difference, execution_id=run.id if run else "")

    async def _run(self, connection: Connection, case: TestCase, resource: Resource) -> RunRecord:
        """The run, when it has ended; in no list."""
        from stigmer_tui.client import executions
        from stigmer_tui.definition import extensions
        from stigmer_tui.testing.instance import put_recording, recorded_input
        from stigmer_tui.testing.records import read_run
        from stigmer_tui.workbench.grpc_backend import KINDS

        run_input, recording = recorded_input(case), put_recording(self._home, case.recording)
        environment = {
            name: executions.RuntimeValue(value.text, value.is_secret) for name, value in run_input.environment.items()
        }

        async def create() -> str:
            execution = await executions.create(
                connection,
                KINDS[resource.kind],
                resource.id,
                f"test-{case.name}-{uuid4().hex[:8]}",
                run_input.message,
                environment,
                resource.organization or self._organization,
                annotations={**run_input.annotations, extensions.RECORDING: recording},
                tags=[extensions.UNLISTED],
            )
            self._made.add(execution.metadata.id)
            return execution.metadata.id

        try:
            created = await _not_by_halves(create())
            await _until_its_end(connection, created)
            return await read_run(connection, created)
        finally:
            (self._home.recordings / f"{recording}.json").unlink(missing_ok=True)

    async def keep_only(self, kept: Collection[str]) -> None:
        async with self._connected() as connection:
            for execution_id in sorted(self._made - set(kept)):
                await _not_by_halves(self._forget(connection, execution_id))

    async def _forget(self, connection: Connection, execution_id: str) -> None:
        """With its sessions, their runs and their working folders."""
        from stigmer_tui.api.phases import Phase
        from stigmer_tui.client import executions, sessions
        from stigmer_tui.client.errors import NotFound
        from stigmer_tui.testing.records import sessions_of

        with suppress(NotFound):
            execution = await executions.get(connection, execution_id)
            if not Phase(execution.status.phase).is_final:
                # It may be starting others, of which it does not tell yet.
                await executions.cancel(connection, execution_id, "the code has changed")
                await _until_its_end(connection, execution_id)
                execution = await executions.get(connection, execution_id)
            for session_id in await sessions_of(connection, execution):
                with suppress(NotFound):
                    await sessions.delete(connection, await sessions.get(connection, session_id))
                await asyncio.to_thread(shutil.rmtree, self._home.workspace / session_id, True)
            await executions.delete(connection, execution_id)
        self._made.discard(execution_id)

    async def export(self, execution_id: str, form: Form) -> str:
        from stigmer_tui.testing import export
        from stigmer_tui.testing.records import read_run

        async with self._connected() as connection:
            run = await read_run(connection, execution_id)
        folder = tests_folder(self._folder) if form is Form.TEST else self._folder / EXPORTS
        folder.mkdir(parents=True, exist_ok=True)
        path = export.free_path(folder, run.name, ENDINGS[form])
        await asyncio.to_thread(path.write_text, export.text_of(run, form, path), encoding="utf-8")
        return self._relative(path)

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self._folder)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        from stigmer_tui.client.connection import connected
        from stigmer_tui.workbench.servers import server_of

        async with connected(server_of(self._configuration, self._clock).locate) as connection:
            yield connection


async def _until_its_end(connection: Connection, execution_id: str) -> None:
    from stigmer_tui.client.follow import follow

    async with aclosing(follow(connection, execution_id, FOLLOW_MS)) as responses:
        async for _ in responses:
            # Nobody looks at it while it goes on.
            continue


async def _not_by_halves(work: Coroutine[None, None, T]) -> T:
    """To its end also where its caller is cancelled: half of it would leave something behind that nobody knows of."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        raise


def _load_what_plays() -> None:
    import stigmer_tui.testing.suite  # noqa: F401


def _lines(failures: Sequence[Failure]) -> tuple[str, ...]:
    return tuple(line for failure in failures for line in (failure.what, *failure.difference))
